"""Clients that prove a private key instead of sending a secret: `private_key_jwt`, OpenID Connect Core §9, RFC 7523."""

from typing import Any

import flask

from idp import context, limits
from idp.clients import keys, profile
from idp.clients.models import Client
from idp.errors import InvalidClient
from idp.limits import Limit, Window
from idp.oauth import assertion
from idp.oauth.extension import Extension, FindClient
from idp.oauth.request import OAuthRequest
from idp.settings import Settings
from keys import BadToken

METHOD = "private_key_jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 §2.2

_TYPES = ("client-authentication+jwt",)
_REPLAYED = Limit("client.assertion_replayed", (Window(60, 60),))  # rows that one client's assertions may cost


def private_key_jwt(query: FindClient, request: OAuthRequest) -> Client | None:
    """The client whose registered key signed the assertion; each assertion works once (RFC 7523 §3)."""
    payload = request.payload
    presented = payload.get("client_assertion")
    if presented is None:
        return None
    if payload.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient(private="another client_assertion_type")
    try:
        return _proved(query, presented, payload.client_id)
    except BadToken as error:
        raise InvalidClient(private=f"client_assertion: {error}") from None


def _proved(query: FindClient, presented: str, client_id: str | None) -> Client:
    """Who signed, or BadToken."""
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
        client_id, company_id = client.client_id, client.company_id
        limits.record(_REPLAYED, client_id, client_id=client_id, company_id=company_id)
        raise BadToken("it was used before")
    return client


def algorithms(client: Client) -> tuple[str, ...]:
    """What the client may sign assertions with: what it registered, else everything that is safe in its profile."""
    registered, allowed = client.client_metadata.get("token_endpoint_auth_signing_alg"), profile.algorithms(client)
    return tuple(alg for alg in allowed if registered in (None, alg))


def _audiences(client: Client) -> tuple[str, ...]:
    settings = context.settings()
    if profile.is_fapi2(client):
        return (settings.public_url,)  # FAPI 2.0 Security Profile §5.3.2.1
    # RFC 7523 §3 also knows the token endpoint, and libraries send whichever they call (RFC 9126 §2, CIBA §7.1).
    paths = ("/oauth2/token", flask.request.path)
    return (settings.public_url, *(origin + path for origin in settings.origins for path in paths))


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
