"""How an answer reaches the client: its response mode (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).

The query and the fragment of the redirect URI are modes here, since every response type has one of them as its default;
others come with extensions.
"""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote, urlencode

import flask

from idp.errors import InvalidRequest
from idp.oauth.extension import ResponseMode
from idp.oauth.request import OAuthRequest


def query(request: OAuthRequest, parameters: Mapping[str, Any]) -> flask.Response:
    """In the query of the redirect URI (RFC 6749 §4.1.2)."""
    uri = str(request.payload.redirect_uri)
    # The registered query stays as it is (RFC 6749 §3.1.2); through a URL parser it could change.
    return _see_other(f"{uri}{'&' if '?' in uri else '?'}", parameters)


def fragment(request: OAuthRequest, parameters: Mapping[str, Any]) -> flask.Response:
    """In the fragment, which the browser keeps from servers (RFC 6749 §4.2.2); a registered URI has none."""
    return _see_other(f"{request.payload.redirect_uri}#", parameters)


def form(request: OAuthRequest, parameters: Mapping[str, Any]) -> flask.Response:
    """A page with status 200 whose form has the parameters and posts itself to the redirect URI (Form Post §2)."""
    ui = flask.current_app.extensions["ui"]
    page = ui.render(
        "form_post", client_name=request.client.client_name, action=request.payload.redirect_uri, fields=parameters
    )
    return cast("flask.Response", page)


def _see_other(start: str, parameters: Mapping[str, Any]) -> flask.Response:
    # 303: the browser must not repeat a POST, with a password in it, at the client.
    # Spaces as %20: scripts that read a fragment often leave a plus as it is.
    return flask.Response(status=303, headers={"Location": start + urlencode(parameters, quote_via=quote)})


MODES: dict[str, ResponseMode] = {
    "query": ResponseMode(send=query, for_tokens=False),
    "fragment": ResponseMode(send=fragment),
}


def chosen(request: OAuthRequest, modes: Mapping[str, ResponseMode]) -> ResponseMode:
    """The mode of this answer, errors included: the one that was asked for, if it can be had, or the default."""
    try:
        return modes[checked(request, modes)]
    except InvalidRequest:
        return modes[default(request)]


def checked(request: OAuthRequest, modes: Mapping[str, ResponseMode]) -> str:
    """The name of the mode.

    Raises:
        InvalidRequest: it is unknown, or would put a token into a query, which servers log (§3, §5).
    """
    asked = request.payload.get("response_mode") or default(request)
    if asked not in modes or "response_mode" in request.payload.repeated:
        raise InvalidRequest("response_mode is not supported")
    if request.in_front and not modes[asked].for_tokens:
        raise InvalidRequest("response_mode must not be query where tokens are in the answer")
    return asked


def default(request: OAuthRequest) -> str:
    """Tokens go into the fragment, everything else into the query (Multiple Response Types §2.1, §3, §5)."""
    return "fragment" if request.in_front else "query"
