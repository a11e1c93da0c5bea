"""JSON for self-service and administration, under /api/v1: bearer tokens, RFC 9457 problems, keyset pages.

A resource is one file with its views and its statement; `_ROUTES` says where they are, `openapi` what they answer.
"""

from http import HTTPStatus

import flask
from flask import Blueprint

from idp import answers
from idp.api import me, members, openapi
from idp.oauth import cors

PREFIX = "/api/v1"

_ROUTES = (
    ("/me", me.me),
    ("/me/companies", me.companies),
    ("/companies/<company>/members", members.members),
    # An imported subject may hold a slash.
    ("/companies/<company>/members/<path:sub>", members.member),
    ("/openapi.json", openapi.document),
)


def blueprint() -> Blueprint:
    """Every route of the API, for pages of any origin: the token in the request is what counts, no cookie is read."""
    mounted = Blueprint("api", __name__, url_prefix=PREFIX)
    for rule, view in _ROUTES:
        mounted.add_url_rule(rule, view.__name__, view, methods=["GET"], merge_slashes=False)
    mounted.after_request(cors.opened)
    return mounted


def problem(status: int, code: str, words: str, headers: dict[str, str]) -> flask.Response:
    """A problem (RFC 9457 §3); `error` is the OAuth error code, where it says more than the status does."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": words}
    if code != "invalid_request":
        body["error"] = code
    return answers.as_json(body, status, headers.items(), media="application/problem+json")
