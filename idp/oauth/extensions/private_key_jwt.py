"""Clients that prove a private key instead of sending a secret: `private_key_jwt`, OpenID Connect Core §9, RFC 7523."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import flask

from idp import audit, context, limits
from idp.clients import keys, profile
from idp.clients.models import Client
from idp.errors import InvalidClient, TooManyRequests
from idp.limits import Counter, Limit, Window
from idp.oauth import replay
from idp.oauth.extension import Extension
from idp.oauth.request import OAuthRequest
from idp.settings import Settings
from keys import BadToken

METHOD = "private_key_jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 §2.2

_TYPES = ("client-authentication+jwt",)
# Failures of one address. Judged after the signature, which costs less than asking: the right assertion always passes.
_FAILURES = Limit("client.assertion", (Window(60, 60),))
_SKEW = 60  # seconds that two clocks may differ
_LONGEST = 300  # seconds that an assertion may live from now
_JTI = range(1, 257)  # characters


def private_key_jwt(query: Callable[[str], Client | None], request: OAuthRequest) -> Client | None:
    """The client whose registered key signed the assertion; each assertion works once (RFC 7523 §3)."""
    payload = request.payload
    assertion = payload.get("client_assertion")
    if assertion is None:
        return None
    if payload.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient(private="another client_assertion_type")
    try:
        return _proved(query, assertion, payload.client_id)
    except Replayed as error:
        _count_failure()
        audit.record("client.assertion_replayed", client_id=error.client.client_id, company_id=error.client.company_id)
        raise InvalidClient(private="client_assertion: it was used before") from None
    except BadToken as error:
        _count_failure()
        raise InvalidClient(private=f"client_assertion: {error}") from None


class Replayed(Exception):
    """An assertion came a second time."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client


def _count_failure() -> None:
    taken = limits.take(Counter(_FAILURES, limits.network(flask.request.remote_addr or "")))
    if taken.refused:
        raise TooManyRequests(taken.retry_after)


def _proved(query: Callable[[str], Client | None], assertion: str, client_id: str | None) -> Client:
    """Who signed; BadToken, or Replayed."""
    said = keys.unverified(assertion).get("sub")
    client = query(said) if isinstance(said, str) and client_id in (None, said) else None
    if client is None or client.token_endpoint_auth_method != METHOD:
        raise BadToken("it names no client that authenticates so, or another than client_id")
    claims = keys.verify(client, assertion, algorithms(client), typ=_TYPES)
    now = context.now().timestamp()
    _judge(claims, client, now)
    until = datetime.fromtimestamp(claims["exp"] + _SKEW, UTC)
    if not replay.burn(METHOD, client.client_id, claims["jti"], until):
        raise Replayed(client)
    return client


def algorithms(client: Client) -> tuple[str, ...]:
    """What the client may sign assertions with: what it registered, else everything that is safe in its profile."""
    registered, allowed = client.client_metadata.get("token_endpoint_auth_signing_alg"), profile.algorithms(client)
    return tuple(alg for alg in allowed if registered in (None, alg))


def _judge(claims: dict[str, Any], client: Client, now: float) -> None:
    """RFC 7523 §3: issuer, subject, audience, lifetime and identifier; types before values."""
    if not claims.get("iss") == claims.get("sub") == client.client_id:
        raise BadToken("iss and sub must be the client_id")
    if claims.get("aud") not in _audiences(client):
        raise BadToken("aud must be the issuer, as one string")
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if "exp" not in times or not all(map(_is_time, times.values())):
        raise BadToken("exp is missing, or a time is not a number")
    if not now - _SKEW < times["exp"] <= now + _LONGEST + _SKEW:
        raise BadToken("it is expired, or lives longer than five minutes")
    if any(times[name] > now + _SKEW for name in ("iat", "nbf") if name in times):
        raise BadToken("it is of the future")
    if not isinstance(claims.get("jti"), str) or len(claims["jti"]) not in _JTI:
        raise BadToken("jti is missing, or no string of 1 to 256 characters")


def _audiences(client: Client) -> tuple[str, ...]:
    """One string, never a list: an assertion for several servers can be presented by one of them to another."""
    issuer = context.settings().public_url
    # The FAPI profile takes the issuer alone (§5.3.2.1); RFC 7523 §3 also knows the endpoint, and older libraries
    # send it.
    return (issuer,) if profile.is_fapi2(client) else (issuer, f"{issuer}/oauth2/token", f"{issuer}/oauth2/par")


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e11


def metadata(_settings: Settings) -> dict[str, Any]:
    """RFC 8414 §2."""
    endpoints = ("token", "introspection", "revocation")
    return {f"{name}_endpoint_auth_signing_alg_values_supported": list(keys.SIGNING) for name in endpoints}


extension = Extension(
    name=METHOD,
    spec="RFC 7523 §2.2",
    metadata=metadata,
    client_auth={METHOD: private_key_jwt},
)
