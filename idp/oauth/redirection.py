"""Where authorization responses go: a registered address, byte for byte, in the response mode of the request.

RFC 9700 §2.1: redirect URIs are compared as strings. The one exception is a native client's loopback address, where
the port is the operating system's choice (RFC 8252 §7.3).
"""

import re
from typing import Any

import flask

from idp.clients.models import Client
from idp.errors import AccessDenied, InvalidRequest, OAuthError, UnauthorizedClient, UnsupportedResponseType
from idp.grants.grant import NewGrant
from idp.oauth import response_modes, server, waiting
from idp.oauth.request import OAuthRequest

_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(/.*|)", re.ASCII | re.DOTALL)


def trusted(request: OAuthRequest) -> str:
    """The client is known and the redirect URI is its own; anything else is a page, never a redirect.

    Raises:
        InvalidRequest: to be shown to the person; nothing of the request may be followed.
    """
    payload = request.payload
    if payload.repeated & {"client_id", "redirect_uri"} or not payload.client_id:
        raise InvalidRequest("the request does not name its client once")
    client = server.current().query_client(payload.client_id)
    if client is None:
        raise InvalidRequest("the client is not registered here")
    request.client = client
    if request.learnt.decoupled:
        return ""  # nothing goes back through this browser
    uri = payload.redirect_uri
    if not uri or not registered(client, uri):
        asked = f"{client.client_id} asked for {(uri or '')[:200]!r}"
        raise InvalidRequest("the redirect_uri is not registered for this client", private=asked)
    return str(uri)


def registered(client: Client, uri: str) -> bool:
    """Whether the client registered exactly this address, or a native client the same loopback one."""
    if uri in client.redirect_uris:
        return True
    if client.client_metadata.get("application_type") != "native" or not (asked := _LOOPBACK.fullmatch(uri)):
        return False
    known = (_LOOPBACK.fullmatch(own) for own in client.redirect_uris)
    return any(own and own.groups() == asked.groups() for own in known)


def check(request: OAuthRequest) -> None:
    """What is to come back, and how, is registered and on offer."""
    provider = server.current()
    if not request.payload.response_type:
        raise InvalidRequest("response_type is missing")
    if request.response_type not in provider.response_types:
        raise UnsupportedResponseType
    if request.response_type not in request.client.response_types:
        raise UnauthorizedClient("the client did not register this response type")
    response_modes.checked(request, provider.response_modes)


def complete(request: OAuthRequest, new: NewGrant) -> flask.Response:
    """Begin the grant, and answer in the way of the response type."""
    return _answer(request, server.current().response_types[request.response_type](request, new))


def deny(request: OAuthRequest) -> flask.Response:
    """Send the person back: it is said that they did not allow it."""
    return _answer(request, dict(AccessDenied("the user did not allow it").get_body()))


def refuse(request: OAuthRequest, error: OAuthError) -> flask.Response:
    """Send the person back with an error (RFC 6749 §4.1.2.1)."""
    flask.current_app.logger.info("authorization refused", extra=error.facts())
    if request.learnt.handle:
        waiting.forget(request.learnt.handle)
    return _answer(request, dict(error.get_body()))


def _answer(request: OAuthRequest, parameters: dict[str, Any]) -> flask.Response:
    """Send the person back with the answer; `state` as it came, and what extensions add (RFC 9207: `iss`)."""
    if request.payload.state and "state" not in request.payload.repeated:
        parameters["state"] = request.payload.state
    provider = server.current()
    for respond in provider.responders:
        respond(request, parameters)
    response = response_modes.chosen(request, provider.response_modes).send(request, parameters)
    response.headers["Cache-Control"] = "no-store"
    return response
