"""What the server can do: OpenID Connect Discovery, RFC 8414, and its public keys (RFC 7517).

The bytes are made once (the keys' again when they change), but for what a declaration may change: that is read at most
once in ten seconds.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import flask
from flask import current_app

from idp import context
from idp.db import AWAY
from idp.oauth import server
from idp.oauth.extension import Endpoint, Extension

JWKS_MAX_AGE = 3600  # seconds; a new key is public for a day before it signs
_KEPT_FOR = timedelta(seconds=10)


def discovery() -> flask.Response:
    """GET /.well-known/openid-configuration, /.well-known/oauth-authorization-server."""
    kept: _Document | None = current_app.extensions.get("discovery.kept")
    # A clock that was set back must not keep it longer.
    if kept is None or not timedelta(0) <= context.now() - kept.since < _KEPT_FOR:
        kept = current_app.extensions["discovery.kept"] = _made(kept)
    return _cacheable(kept.body, "application/json")


@dataclass(frozen=True)
class _Document:
    """What was answered last; `varying` are the members that a declaration may change."""

    since: datetime
    varying: dict[str, Any]
    body: bytes


def _made(before: _Document | None) -> _Document:
    """The document as it is now. Clients need it most when the database is away: then with what was known before."""
    found = dict(before.varying) if before else {}
    try:
        found |= {name: read() for each in server.current().extensions for name, read in each.varying.items()}
    except AWAY:
        current_app.logger.warning("discovery says what was known before: the database is away")
    document = {**current_app.extensions["announced"], **{name: value for name, value in found.items() if value}}
    return _Document(context.now(), found, json.dumps(document, separators=(",", ":")).encode())


def jwks() -> flask.Response:
    """GET /oauth2/jwks: the keys that sign, will sign, and signed what may still be valid."""
    body = json.dumps(context.keys().public(), separators=(",", ":")).encode()
    return _cacheable(body, "application/jwk-set+json")


def _cacheable(body: bytes, mimetype: str) -> flask.Response:
    response = flask.Response(body, mimetype=mimetype)
    response.headers["Cache-Control"] = f"public, max-age={JWKS_MAX_AGE}"
    return response


extension = Extension(
    name="discovery",
    spec="RFC 8414",
    endpoints=(
        Endpoint(
            name="discovery",
            path="/.well-known/openid-configuration",
            methods=("GET",),
            view=discovery,
            cors=True,
        ),
        Endpoint(
            name="metadata",
            path="/.well-known/oauth-authorization-server",
            methods=("GET",),
            view=discovery,
            cors=True,
        ),
        Endpoint(name="jwks", path="/oauth2/jwks", methods=("GET",), view=jwks, cors=True),
    ),
)
