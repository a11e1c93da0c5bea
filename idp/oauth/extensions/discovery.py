"""What the server can do: OpenID Connect Discovery, RFC 8414, and its public keys (RFC 7517).

The bytes are made once (the keys' again when they change): no statement, no work.
"""

import json
from functools import reduce
from typing import Any

import flask
from flask import current_app

from idp import context
from idp.oauth import server
from idp.oauth.extension import Clients, Endpoint, Extension
from idp.settings import Settings

JWKS_MAX_AGE = 3600  # seconds; a new key is public for a day before it signs


def metadata_document(provider: server.AuthorizationServer, settings: Settings) -> dict[str, Any]:
    """The union of what every extension announces; lists add up, anything else has one owner."""
    document: dict[str, Any] = {
        "issuer": settings.public_url,
        "jwks_uri": f"{settings.public_url}/oauth2/jwks",
        "response_types_supported": sorted(provider.response_types),
        "response_modes_supported": list(provider.response_modes),
        "grant_types_supported": sorted(provider.grant_types),
    }
    for endpoint in provider.endpoints:
        if endpoint.announced:
            document[endpoint.announced] = settings.public_url + endpoint.path
        if endpoint.clients:
            public = ["none"] if endpoint.clients is Clients.ALL else []
            document[f"{endpoint.announced}_auth_methods_supported"] = [*provider.client_auth, *public]
    announced = reduce(_add, (extension.metadata(settings) for extension in provider.extensions), document)
    # Of what may be missing, this alone would then count as true (Discovery §3).
    announced.setdefault("request_uri_parameter_supported", False)
    return announced


def _add(document: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    for name, value in more.items():
        if isinstance(value, list):
            document[name] = [*document.get(name, ()), *(item for item in value if item not in document.get(name, ()))]
        elif document.setdefault(name, value) != value:
            raise RuntimeError(f"two extensions announce {name}")
    return document


def discovery() -> flask.Response:
    """GET /.well-known/openid-configuration, /.well-known/oauth-authorization-server."""
    made = current_app.extensions.get("discovery")
    if made is None:
        document = metadata_document(server.current(), context.settings())
        made = current_app.extensions["discovery"] = json.dumps(document, separators=(",", ":")).encode()
    return _cacheable(made, "application/json")


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
