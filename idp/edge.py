"""The edge of the application: what no endpoint could use is refused before, and what every answer carries."""

from typing import NoReturn
from urllib.parse import unquote_to_bytes

import flask

from idp import context
from idp.oauth.request import FORM

MAX_BODY = 64 * 1024
MAX_URL = 8 * 1024
MAX_PARAMETERS = 100


def judge() -> None:
    """What no endpoint could use: too much of anything, and what does not decode to text without NUL."""
    http = flask.request
    environ, media = http.environ, http.mimetype
    # WSGI hands bytes as text (PEP 3333); the path is decoded already.
    path = environ.get("PATH_INFO", "").encode("latin-1")
    query = environ.get("QUERY_STRING", "").encode("latin-1")
    if len(path) + len(query) > MAX_URL:
        _refuse(414)
    if path.startswith(b"//"):
        _refuse(404)  # the router would drop a slash, and a proxy in front that looks at paths see another one
    _refuse_what_is_no_text(path + b"&" + unquote_to_bytes(query))
    if media.startswith("multipart/"):
        flask.abort(415)
    form = http.get_data() if media == FORM else b""
    if query.count(b"&") + form.count(b"&") > MAX_PARAMETERS:
        flask.abort(400, "too many parameters")
    _refuse_what_is_no_text(unquote_to_bytes(form))


def _refuse_what_is_no_text(sent: bytes) -> None:
    try:
        sent.decode()
    except UnicodeDecodeError:
        _refuse(400, "the request must be UTF-8")
    if b"\0" in sent:
        _refuse(400, "the request must not contain NUL")


def _refuse(status: int, words: str | None = None) -> NoReturn:
    # The page of the refusal looks at the query for its language, and Werkzeug fails on one that is no UTF-8.
    flask.request.query_string = b""
    flask.abort(status, words)


def headers(response: flask.Response) -> flask.Response:
    """What every answer carries."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    if not context.settings().development:
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Cookie"
    return response
