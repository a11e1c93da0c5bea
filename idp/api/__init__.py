"""JSON for self-service and administration, under /api/v1: bearer tokens, RFC 9457 problems, keyset pages."""

import json

import flask
from flask import Blueprint


def problem(status: int, code: str, words: str, headers: dict[str, str]) -> flask.Response:
    """A problem (RFC 9457 §3): `code` is the error code of the OAuth error, or of HTTP."""
    body = {"type": "about:blank", "title": code, "status": status, "detail": words}
    response = flask.Response(json.dumps(body), status, mimetype="application/problem+json")
    for name, value in headers.items():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    response.headers["Cache-Control"] = "no-store"
    return response


def blueprint() -> Blueprint:
    """Every route of the API."""
    return Blueprint("api", __name__, url_prefix="/api/v1")
