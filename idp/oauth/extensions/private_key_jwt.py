"""Clients that prove a private key instead of sending a secret: `private_key_jwt`, OpenID Connect Core §9, RFC 7523."""

from collections.abc import Callable
from typing import Any

import flask

from idp import audit, context, limits
from idp.clients import keys, profile
from idp.clients.models import Client
from idp.errors import InvalidClient, TooManyRequests
from idp.limits import Counter, Limit, Window
from idp.oauth import assertion
from idp.oauth.extension import Extension
from idp.oauth.request import OAuthRequest
from idp.settings import Settings
from keys import BadToken

METHOD = "private_key_jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 §2.2

_TYPES = ("client-authentication+jwt",)
# Failures of one address. Judged after the signature, which costs less than asking: the right assertion always passes.
_FAILURES = Limit("client.assertion", (Window(60, 60),))


def private_key_jwt(query: Callable[[str], Client | None], request: OAuthRequest) -> Client | None:
    """The client whose registered key signed the assertion; each assertion works once (RFC 7523 §3)."""
    payload = request.payload
    presented = payload.get("client_assertion")
    if presented is None:
        return None
    if payload.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient(private="another client_assertion_type")
    try:
        return _proved(query, presented, payload.client_id)
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


def _proved(query: Callable[[str], Client | None], presented: str, client_id: str | None) -> Client:
    """Who signed; BadToken, or Replayed."""
    said = keys.unverified(presented).get("sub")
    client = query(said) if isinstance(said, str) and client_id in (None, said) else None
    if client is None or client.token_endpoint_auth_method != METHOD:
        raise BadToken("it names no client that authenticates so, or another than client_id")
    claims = keys.verify(client, presented, algorithms(client), typ=_TYPES)
    # RFC 7523 §3: issuer and subject are the client itself.
    if not claims.get("iss") == claims.get("sub") == client.client_id:
        raise BadToken("iss and sub must be the client_id")
    assertion.judge(claims, _audiences(client))
    if not assertion.use(METHOD, client.client_id, claims):
        raise Replayed(client)
    return client


def algorithms(client: Client) -> tuple[str, ...]:
    """What the client may sign assertions with: what it registered, else everything that is safe in its profile."""
    registered, allowed = client.client_metadata.get("token_endpoint_auth_signing_alg"), profile.algorithms(client)
    return tuple(alg for alg in allowed if registered in (None, alg))


def _audiences(client: Client) -> tuple[str, ...]:
    settings = context.settings()
    if profile.is_fapi2(client):
        return (settings.public_url,)  # §5.3.2.1
    # RFC 7523 §3 also knows the endpoint, and older libraries send it; RFC 9126 §2 and CIBA §7.1 each have their own.
    endpoints = ("/oauth2/token", "/oauth2/par", "/oauth2/bc-authorize")
    return (settings.public_url, *(origin + path for origin in settings.origins for path in endpoints))


def metadata(settings: Settings) -> dict[str, Any]:
    """RFC 8414 §2."""
    endpoints = ("token", "introspection", "revocation")
    return {f"{name}_endpoint_auth_signing_alg_values_supported": list(profile.offered(settings)) for name in endpoints}


extension = Extension(
    name=METHOD,
    spec="RFC 7523 §2.2",
    metadata=metadata,
    client_auth={METHOD: private_key_jwt},
)
