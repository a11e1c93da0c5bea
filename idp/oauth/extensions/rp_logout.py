"""Signing out at the client's request: OpenID Connect RP-Initiated Logout 1.0.

With an ID token of the session's user the session ends and the person goes on to the client's address. Without it, a
page asks first: a link must not be able to sign people out (§2, §6). An unregistered address is never followed.

A request that was checked travels on sealed: from a POST of another site, which arrives without our cookies, to the GET
that has them, and through the page that asks. So no ID token stands in an address or a form of ours.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import flask
from flask import current_app

from idp import context
from idp.clients.models import Client
from idp.errors import InvalidRequest
from idp.oauth import request as requests
from idp.oauth import server, subjects, tokens
from idp.oauth.extension import Endpoint, Extension
from idp.oauth.request import Payload
from idp.opaque import digest
from idp.sso import csrf, session
from idp.sso.session import Reason, SsoSession

_PURPOSE = "logout"
_LIFETIME = timedelta(minutes=10)  # as long as other requests wait


@dataclass(frozen=True)
class Logout:
    """A checked request: who asks, for whom, and where the person goes then."""

    client: Client | None = None
    sub: str | None = None  # of the hint
    return_url: str | None = None

    @property
    def client_name(self) -> str | None:
        """What the pages call the client."""
        return self.client.client_name if self.client else None

    def sealed(self) -> str:
        """As only we can read it, for some minutes."""
        members = {
            "client_id": self.client.client_id if self.client else None,
            "sub": self.sub,
            "return_url": self.return_url,
        }
        expires_at = int((context.now() + _LIFETIME).timestamp())
        return context.keys().seal(_PURPOSE, members, expires_at=expires_at)


def end_session() -> flask.Response:
    """GET or POST /oauth2/logout (RP-Initiated Logout §2, §3)."""
    http = flask.request
    payload = Payload(requests.body() if http.method == "POST" else requests.parse(http.query_string))
    if payload.repeated:
        raise InvalidRequest("a parameter was sent more than once")
    sealed = payload.get("request")
    logout = _opened(sealed) if sealed else _checked(payload)
    token = payload.get("csrf_token") if http.method == "POST" else None
    if http.method == "POST" and token is None:
        return _get_instead(logout, payload.get("ui_locales"))
    current = session.current()
    confirmed = token is not None and csrf.same_origin() and csrf.valid(token, _purpose(sealed))
    if current and not confirmed and logout.sub != current.sub:
        asked = logout.sealed()
        return _page("logout", logout, fields={"request": asked}, csrf_token=csrf.token(_purpose(asked)))
    return _signed_out(logout, current)


def _purpose(sealed: str | None) -> str:
    """What the form's token is for: this request and no other; the account page's button has none."""
    return f"{_PURPOSE}:{digest(sealed).hex()}" if sealed else _PURPOSE


def _checked(payload: Payload) -> Logout:
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
    return Logout(client, subjects.of_id_token(found) if found else None, _return_url(payload, client))


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


def _opened(sealed: str) -> Logout:
    found = context.keys().open(_PURPOSE, sealed)
    if found is None:
        raise InvalidRequest("the request is over: sign out again from the application")
    client = server.current().query_client(found["client_id"]) if found["client_id"] else None
    return Logout(client, found["sub"], found["return_url"])


def _get_instead(logout: Logout, ui_locales: str | None) -> flask.Response:
    """A POST from another site arrives without our cookies (SameSite=Lax): let the browser GET the same."""
    query = {"request": logout.sealed()} | ({"ui_locales": ui_locales} if ui_locales else {})
    again = f"{context.settings().public_url}{flask.request.path}?{urlencode(query)}"
    return flask.Response(status=303, headers={"Location": again})


def _signed_out(logout: Logout, current: SsoSession | None) -> flask.Response:
    """End the session, and lead the person on: at once, unless applications are told by frames of a page."""
    provider, clients, frames = server.current(), list[Client](), list[str]()
    if current:
        if provider.frames or not logout.return_url:
            clients = [found for each in session.clients(current) if (found := provider.query_client(each))]
        frames = [uri for client in clients for frame in provider.frames if (uri := frame(client, current))]
        session.end(current, Reason.SIGNED_OUT)
    if logout.return_url and not frames:
        return flask.Response(status=303, headers={"Location": logout.return_url})
    return _page(
        "signed_out",
        logout,
        return_url=logout.return_url,
        applications=[(client.client_name, any(tells(client) for tells in provider.tells)) for client in clients],
        within=context.settings().tokens.access_token_ttl,
        frames=frames,
    )


def _page(page: str, logout: Logout, **facts: Any) -> flask.Response:  # noqa: ANN401 - what the page names
    response: flask.Response = current_app.extensions["ui"].render(page, client_name=logout.client_name, **facts)
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
            interactive=True,
        ),
    ),
)
