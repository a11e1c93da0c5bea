"""Answers for machines: JSON that nobody caches."""

import json
from collections.abc import Iterable

import flask

_OURS = {"content-type", "content-length", "cache-control"}


def as_json(
    body: object, status: int = 200, headers: Iterable[tuple[str, str]] = (), *, media: str = "application/json"
) -> flask.Response:
    """JSON without spaces (RFC 6749 §5.1: never cached); `headers` that say what it is itself do not count."""
    response = flask.Response(json.dumps(body, separators=(",", ":")), status, mimetype=media)
    response.headers["Cache-Control"] = "no-store"
    for name, value in headers:
        if name.lower() not in _OURS:
            response.headers[name] = value
    return response
