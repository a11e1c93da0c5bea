"""The authorization request as a JWT that the client signed: OpenID Connect Core §6, RFC 9101.

By value (`request`), pushed too (RFC 9126 §3), or by reference (`request_uri`, registered beforehand). What is inside
counts alone: a parameter outside adds nothing (RFC 9101 §6.3), since nobody signed it. Only `client_id`, which finds
the key, must stand outside. Under the FAPI 2.0 profile an object says more of itself (FAPI 2.0 Message Signing §5.3.1).
"""

from typing import Any

from idp import context, fetch
from idp.clients import keys, profile
from idp.clients.metadata import boolean
from idp.clients.models import Client
from idp.errors import InvalidRequest, InvalidRequestObject, InvalidRequestUri
from idp.fetch import Unreachable
from idp.oauth import server, signed_requests
from idp.oauth.extension import Extension, Phase
from idp.oauth.request import OAuthRequest, Payload
from idp.settings import Settings
from keys import BadToken, compact

_MOST = 64 * 1024  # characters
_REQUIRED = "require_signed_request_object"  # RFC 9101 §10.5


def load(request: OAuthRequest) -> None:
    """Put what the object says in the place of what the request said."""
    payload = request.payload
    value, uri = payload.get("request"), payload.get("request_uri")
    client = server.current().query_client(payload.client_id) if payload.client_id else None
    if value is None and uri is None:
        if client and _signed_only(client):
            raise InvalidRequest("the request must be a signed request object")
        return
    if value is not None and uri is not None:
        raise InvalidRequest("request and request_uri exclude each other")
    if client is None:
        raise InvalidRequest("the client is not registered here")
    try:
        claims = _claims(client, value if value is not None else _fetched(client, str(uri)))
        _judge(claims, client, payload)
        inside = signed_requests.parameters(claims, server.current().parameters - {"client_id"})
    except BadToken as error:
        raise InvalidRequestObject(private=f"{client.client_id}: {error}") from None
    request.payload = Payload([("client_id", client.client_id), *inside])


def _fetched(client: Client, uri: str) -> str:
    """The object at an address that the client registered, with or without the fragment (Core §6.2)."""
    if not {uri, uri.partition("#")[0]} & set(client.metadata_list("request_uris")):
        raise InvalidRequestUri("the request_uri is not registered for this client")
    try:
        return fetch.current().get(uri, accept="application/oauth-authz-req+jwt, application/jwt").decode("ascii")
    except (Unreachable, UnicodeDecodeError) as error:
        raise InvalidRequestUri("the request_uri could not be read", private=f"{client.client_id}: {error}") from None


def _claims(client: Client, token: str) -> dict[str, Any]:
    """What the client signed; unsigned objects only where the settings allow them."""
    allowed = _algorithms(client)
    if "none" in allowed and token.endswith("."):
        if compact.split(token).header.get("alg") != "none":
            raise BadToken("the signature is missing")
        return keys.unverified(token)
    return keys.verify(client, token, [alg for alg in allowed if alg != "none"], typ=signed_requests.TYPES, most=_MOST)


def _algorithms(client: Client) -> tuple[str, ...]:
    """What the client may sign with: what it registered, else everything that is safe in its profile."""
    signed_only = profile.is_fapi2(client) or _signed_only(client)
    allowed = profile.algorithms(client) if signed_only else offered(context.settings())
    registered = client.client_metadata.get("request_object_signing_alg")
    return tuple(alg for alg in allowed if registered in (None, alg))


def _signed_only(client: Client) -> bool:
    """Whether parameters that nobody signed count for nothing (RFC 9101 §10.5)."""
    return bool(client.client_metadata.get(_REQUIRED))


def offered(settings: Settings) -> tuple[str, ...]:
    """The algorithms of discovery."""
    signed = profile.offered(settings)
    return (*signed, "none") if settings.unsigned_request_objects and not settings.profile else signed


def _judge(claims: dict[str, Any], client: Client, payload: Payload) -> None:
    """It agrees with the request around it; under the FAPI 2.0 profile nothing is left out (Message Signing §5.3.1)."""
    strict = profile.is_fapi2(client)
    signed_requests.judge(claims, client, required=("aud", "iss", "client_id", "exp", "nbf") if strict else ())
    if strict:
        signed_requests.judge_hour(claims)
    outside = payload.response_type
    if outside is not None and set(str(claims.get("response_type", outside)).split()) != set(outside.split()):
        raise BadToken("its response_type is not that of the request")


def metadata(settings: Settings) -> dict[str, Any]:
    """OpenID Connect Discovery §3."""
    return {
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": list(offered(settings)),
    }


extension = Extension(
    name="request_objects",
    spec="OpenID Connect Core §6, RFC 9101",
    metadata=metadata,
    client_metadata={_REQUIRED: boolean},
    authorize={Phase.LOAD: load},
)
