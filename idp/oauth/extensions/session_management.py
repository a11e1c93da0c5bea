"""Letting applications see in the browser that the sign-in changed: OpenID Connect Session Management 1.0.

An application keeps our frame loaded and asks it now and then whether the `session_state` of its sign-in still holds;
the frame compares it with a cookie of ours. Off by default, for what it opens:

* promise P23: one cookie can be read by scripts and is sent to frames on other sites (no HttpOnly, SameSite=None). It
  holds a digest of the claim `sid`, which every application of the session has, and is nothing anywhere else.
* promise P24: one page runs a script, and may stand in a frame of any https: site. It shows nothing and takes no input.
* Browsers that keep cookies from foreign frames answer `changed` for ever; applications then ask with prompt=none.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flask

from idp import context
from idp.clients.uris import origin
from idp.events import EndedSession
from idp.oauth.extension import Endpoint, Extension
from idp.oauth.request import OAuthRequest
from idp.sso import session

_SCRIPT = Path(__file__).with_name("check_session.js").read_text()


def session_state(client_id: str, address: str, browser_state: str, salt: str) -> str:
    """What the frame will compute again (§2); `address` is the redirect URI, on whose site the client runs."""
    hashed = hashlib.sha256(f"{client_id} {origin(address)} {browser_state} {salt}".encode()).hexdigest()
    return f"{hashed}.{salt}"


def browser_state(sid: str) -> str:
    """The value of the cookie while this session lives; without a session there is no cookie, the state is empty."""
    return hashlib.sha256(f"session state {sid}".encode()).hexdigest()


def respond(request: OAuthRequest, parameters: dict[str, Any]) -> None:
    """Add `session_state` to a successful answer; with every answer have the cookie say how things stand."""
    current = session.current()
    state = browser_state(str(current.id)) if current else None
    if flask.request.cookies.get(_cookie()) != state:
        _put(state)
    if state and "error" not in parameters:
        salt, address = secrets.token_hex(8), str(request.payload.redirect_uri)
        parameters["session_state"] = session_state(request.client.client_id, address, state, salt)


def forget(ended: Sequence[EndedSession]) -> None:
    """Take the cookie from the browser whose session ends, if it is this one's request that ends it."""
    kept = flask.request.cookies.get(_cookie()) if flask.has_request_context() else None
    if kept in [browser_state(str(each.id)) for each in ended]:
        _put(None)


def check_session() -> flask.Response:
    """GET /oauth2/check_session: the frame (§3.2). It is the same for everybody."""
    script = _SCRIPT.replace("COOKIE", _cookie())
    page = f"<!doctype html><html><head><title></title></head><body><script>{script}</script></body></html>"
    response = flask.Response(page)
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    ancestors = "https: http:" if context.settings().development else "https:"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'sha256-{hashed}'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _cookie() -> str:
    return "idp-state" if context.settings().development else "__Host-idp-state"


def _put(value: str | None) -> None:
    settings = context.settings()

    @flask.after_this_request
    def send(response: flask.Response) -> flask.Response:
        # Without TLS no browser takes SameSite=None; on a loopback host every port is the same site anyway.
        response.set_cookie(
            _cookie(),
            value or "",
            max_age=settings.session.lifetime if value else 0,
            secure=not settings.development,
            httponly=False,
            samesite="Lax" if settings.development else "None",
        )
        return response


extension = Extension(
    name="session_management",
    spec="OpenID Connect Session Management 1.0",
    default=False,
    endpoints=(
        Endpoint(
            name="check_session",
            path="/oauth2/check_session",
            methods=("GET",),
            view=check_session,
            announced="check_session_iframe",
            interactive=True,
        ),
    ),
    respond=respond,
    sessions_ended=forget,
)
