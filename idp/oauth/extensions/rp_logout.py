"""Signing out at the client's request: OpenID Connect RP-Initiated Logout 1.0.

With an ID token of the session's user the session ends and the person goes on to the client's address. Without it, a
page asks first: a link must not be able to sign people out (§2, §6). An unregistered address is never followed.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

import flask
from flask import current_app

from idp import context
from idp.clients.models import Client
from idp.errors import InvalidRequest
from idp.oauth import request as requests
from idp.oauth import server, tokens
from idp.oauth.extension import Endpoint, Extension
from idp.oauth.request import Payload
from idp.sso import csrf, session

_PARAMETERS = ("id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")
_PURPOSE = "logout"


@dataclass(frozen=True)
class Logout:
    """A checked request: who asks, for whom, and where the person goes then."""

    client: Client | None
    sub: str | None  # of the hint
    return_url: str | None
    fields: dict[str, str]


def end_session() -> flask.Response:
    """GET or POST /oauth2/logout (RP-Initiated Logout §2, §3)."""
    http = flask.request
    posted = http.method == "POST"
    payload = Payload(requests.body() if posted else requests.parse(http.query_string))
    if payload.repeated:
        raise InvalidRequest("a parameter was sent more than once")
    token = payload.get("csrf_token") if posted else None
    if posted and token is None:
        return _get_instead(payload)
    logout, current = _check(payload), session.current()
    confirmed = token is not None and csrf.valid(token, _PURPOSE)
    if current and not confirmed and logout.sub != current.sub:
        return _ask(logout)
    if current:
        session.end(current, "signed out")
    if logout.return_url:
        return flask.Response(status=303, headers={"Location": logout.return_url})
    name = logout.client.client_name if logout.client else None
    response: flask.Response = current_app.extensions["ui"].render("signed_out", client_name=name, return_url=None)
    return response


def _get_instead(payload: Payload) -> flask.Response:
    """A POST from another site arrives without our cookies (SameSite=Lax): let the browser GET it."""
    again = f"{context.settings().public_url}{flask.request.path}?{urlencode(_fields(payload))}"
    return flask.Response(status=303, headers={"Location": again})


def _fields(payload: Payload) -> dict[str, str]:
    return {name: value for name in _PARAMETERS if (value := payload.get(name))}


def _check(payload: Payload) -> Logout:
    """Everything about the request but the person's answer."""
    hint = payload.get("id_token_hint")
    found = tokens.parse_id_token(hint) if hint else None
    if hint and found is None:
        raise InvalidRequest("id_token_hint is not an ID token of this provider")
    client_id = payload.get("client_id") or (found["aud"] if found else None)
    if found and client_id != found["aud"]:
        raise InvalidRequest("client_id is not the client of the id_token_hint")
    client = server.current().query_client(client_id) if client_id else None
    if client_id and client is None:
        raise InvalidRequest("the client is not registered here")
    return Logout(
        client=client,
        sub=found["sub"] if found else None,
        return_url=_return_url(payload, client),
        fields=_fields(payload),
    )


def _return_url(payload: Payload, client: Client | None) -> str | None:
    uri = payload.get("post_logout_redirect_uri")
    if uri is None:
        return None
    if client is None or uri not in client.metadata_list("post_logout_redirect_uris"):
        raise InvalidRequest("the post_logout_redirect_uri is not registered for this client")
    state = payload.get("state")
    if state is None:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': state})}"


def _ask(logout: Logout) -> flask.Response:
    name = logout.client.client_name if logout.client else None
    response: flask.Response = current_app.extensions["ui"].render(
        "logout", client_name=name, fields=logout.fields, csrf_token=csrf.token(_PURPOSE)
    )
    return response


extension = Extension(
    name="rp_logout",
    spec="OpenID Connect RP-Initiated Logout 1.0",
    endpoints=(
        Endpoint(
            name="logout",
            path="/oauth2/logout",
            methods=("GET", "POST"),
            view=end_session,
            announced="end_session_endpoint",
        ),
    ),
)
