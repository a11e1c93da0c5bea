"""Mounts what the extensions declare: paths with exact methods, and CORS where clients in browsers need it."""

import json
from collections.abc import Callable

import flask
from flask import Blueprint
from flask.typing import ResponseReturnValue

from idp.oauth import authorize, server
from idp.oauth.extension import Clients, Endpoint

CORS_HEADERS = "Authorization, Content-Type, DPoP"


def token() -> flask.Response:
    """POST /oauth2/token (RFC 6749 §3.2)."""
    response: flask.Response = server.current().create_token_response()
    return response


CORE = (
    Endpoint(
        name="authorize",
        path="/oauth2/authorize",
        methods=("GET", "POST"),
        view=authorize.authorize,
        announced="authorization_endpoint",
    ),
    Endpoint(
        name="token",
        path="/oauth2/token",
        methods=("POST",),
        view=token,
        announced="token_endpoint",
        clients=Clients.ALL,
        cors=True,
    ),
)


def blueprint(endpoints: tuple[Endpoint, ...]) -> Blueprint:
    """The protocol's blueprint, one rule for each endpoint."""
    mounted = Blueprint("oauth", __name__)
    for endpoint in endpoints:
        methods = [*endpoint.methods, "OPTIONS"] if endpoint.cors else list(endpoint.methods)
        view = _with_preflight(endpoint) if endpoint.cors else endpoint.view
        mounted.add_url_rule(
            endpoint.path, endpoint.name, view, methods=methods, provide_automatic_options=False, strict_slashes=True
        )
    crossing = {f"oauth.{endpoint.name}" for endpoint in endpoints if endpoint.cors}

    @mounted.after_app_request
    def allow_origins(response: flask.Response) -> flask.Response:
        # Error answers too, or a page in the browser sees only "Failed to fetch". No cookies are read here, so any
        # origin may ask; the token in the request is what counts.
        if flask.request.endpoint in crossing:
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate, DPoP-Nonce"
        return response

    return mounted


def _with_preflight(endpoint: Endpoint) -> Callable[[], ResponseReturnValue]:
    methods = ", ".join(endpoint.methods)

    def view() -> ResponseReturnValue:
        if flask.request.method != "OPTIONS":
            return endpoint.view()
        response = flask.Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = methods
        response.headers["Access-Control-Allow-Headers"] = CORS_HEADERS
        response.headers["Access-Control-Max-Age"] = "7200"
        return response

    return view


def as_json(body: object, status: int = 200) -> flask.Response:
    """An answer for machines that nobody caches."""
    response = flask.Response(json.dumps(body, separators=(",", ":")), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
