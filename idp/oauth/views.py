"""Mounts what the extensions declare: paths with exact methods, and CORS where clients in browsers need it."""

from collections.abc import Callable

import flask
from flask import Blueprint
from flask.typing import ResponseReturnValue

from idp.errors import InvalidClient
from idp.oauth import authorize, cors, server
from idp.oauth import request as requests
from idp.oauth.extension import Clients, Endpoint


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
        interactive=True,
    ),
    Endpoint(
        name="token",
        path="/oauth2/token",
        methods=("POST",),
        view=token,
        announced="token_endpoint",  # its clients authenticate where GrantType says
        cors=True,
    ),
)


def blueprint(endpoints: tuple[Endpoint, ...]) -> Blueprint:
    """The protocol's blueprint, one rule for each endpoint."""
    mounted = Blueprint("oauth", __name__)
    for endpoint in endpoints:
        methods = [*endpoint.methods, "OPTIONS"] if endpoint.cors else list(endpoint.methods)
        view = _authenticated(endpoint) if endpoint.clients else endpoint.view
        mounted.add_url_rule(
            endpoint.path,
            endpoint.name,
            _with_preflight(endpoint, view) if endpoint.cors else view,
            methods=methods,
            provide_automatic_options=False,
            strict_slashes=True,
        )
    crossing = {f"oauth.{endpoint.name}" for endpoint in endpoints if endpoint.cors}

    @mounted.after_app_request
    def allow_origins(response: flask.Response) -> flask.Response:
        return cors.opened(response) if flask.request.endpoint in crossing else response

    return mounted


View = Callable[..., ResponseReturnValue]


def _authenticated(endpoint: Endpoint) -> View:
    """Hand the view the request of a client that has authenticated, and may come here."""

    def view() -> ResponseReturnValue:
        request = requests.from_body()
        request.client = server.current().authenticate_client(request)
        if endpoint.clients is Clients.CONFIDENTIAL and request.client.public:
            raise InvalidClient(private=f"{endpoint.name} is not for public clients")
        return endpoint.view(request)

    return view


def _with_preflight(endpoint: Endpoint, view: View) -> View:
    methods = ", ".join(endpoint.methods)

    def with_preflight() -> ResponseReturnValue:
        if flask.request.method != "OPTIONS":
            return view()
        return flask.Response(status=204, headers={"Access-Control-Allow-Methods": methods})

    return with_preflight
