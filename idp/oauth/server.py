"""The authorization server: Authlib's, fed with extensions, their steps in order.

Authlib finds the grant type and turns its errors into answers; which grants there are, how clients authenticate and
what happens in which phase comes from the extensions. Built inside `create_app()`: nothing is shared between two.
"""

from collections.abc import Sequence
from typing import Any, cast

import flask
from authlib.oauth2 import AuthorizationServer as AuthlibServer
from flask import current_app

from idp import answers
from idp.clients import client as clients
from idp.clients.models import Client
from idp.errors import InvalidRequest, OAuthError, UnsupportedGrantType
from idp.oauth import client_auth, response_modes
from idp.oauth import request as requests
from idp.oauth.claims import ClaimSource, TokenKind
from idp.oauth.extension import (
    Answer,
    ClientAuth,
    Confirmation,
    Endpoint,
    Extension,
    Phase,
    Prompt,
    Represent,
    Responder,
    ResponseMode,
    Sender,
    Step,
)
from idp.oauth.request import PARAMETERS, OAuthRequest
from idp.settings import Settings


class AuthorizationServer(AuthlibServer):  # type: ignore[misc]
    """Grants, response types, steps, prompts and claim sources of the enabled extensions."""

    def __init__(self, extensions: Sequence[Extension], settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.extensions = tuple(extensions)
        self.grant_types: dict[str, Any] = {}
        self.response_types: dict[str, Answer] = {}
        self.response_modes: dict[str, ResponseMode] = dict(response_modes.MODES)
        self.client_auth: dict[str, ClientAuth] = dict(client_auth.METHODS)
        self.parameters: set[str] = set(PARAMETERS)
        self.confirms: dict[str, Confirmation] = {}
        self.introspection: dict[str, Represent] = {}
        self.outgoing: dict[str, Sender] = {}
        for extension in extensions:
            self.grant_types |= {grant.GRANT_TYPE: grant for grant in extension.grants}
            self.response_types |= extension.response_types
            self.response_modes |= extension.response_modes
            self.client_auth |= extension.client_auth
            self.parameters |= extension.parameters
            self.confirms |= extension.confirms
            self.introspection |= extension.introspection
            self.outgoing |= extension.outgoing
        self._authorize = _in_order(extension.authorize for extension in extensions)
        self._token = _in_order(extension.token for extension in extensions)
        self.reads = ", ".join(["Authorization", "Content-Type", *sorted(set().union(*(e.reads for e in extensions)))])
        self.shows = ", ".join(["WWW-Authenticate", *sorted(set().union(*(e.shows for e in extensions)))])
        self.answered = [found.answered for found in extensions if found.answered]
        self.responders: list[Responder] = [found.respond for found in extensions if found.respond]
        self.prompts: list[Prompt] = [prompt for extension in extensions for prompt in extension.prompts]
        self.frames = [found.frame for found in extensions if found.frame]
        self.tells = [found.tells for found in extensions if found.tells]
        self.endpoints: list[Endpoint] = [endpoint for extension in extensions for endpoint in extension.endpoints]
        self._claims: dict[TokenKind, list[ClaimSource]] = {
            kind: [extension.claims[kind] for extension in extensions if kind in extension.claims] for kind in TokenKind
        }

    def claim_sources(self, kind: TokenKind) -> list[ClaimSource]:
        """Who adds claims to this kind of token or answer."""
        return self._claims[kind]

    def run_authorize(self, phase: Phase, request: OAuthRequest) -> None:
        """Run the steps of a phase at the authorization endpoint."""
        for step in self._authorize[phase]:
            step(request)

    def run_token(self, phase: Phase, request: OAuthRequest) -> None:
        """Run the steps of a phase at the token endpoint."""
        for step in self._token[phase]:
            step(request)

    # -- what Authlib asks its integrations for

    def create_oauth2_request(self, request: OAuthRequest | None) -> OAuthRequest:
        """The parsed request of an endpoint that machines POST to."""
        return request or requests.from_body()

    def query_client(self, client_id: str) -> Client | None:
        """An enabled client, from the cache of some seconds."""
        found = clients.find(client_id)
        return found if found and found.disabled_at is None else None

    def get_token_grant(self, request: OAuthRequest) -> Any:  # noqa: ANN401 - a GrantType
        """The grant type that the request names."""
        name = request.payload.grant_type
        if name is None:
            raise InvalidRequest("grant_type is missing")
        if name not in self.grant_types:
            raise UnsupportedGrantType
        return self.grant_types[name](request, self)

    def authenticate_client(self, request: OAuthRequest, methods: object = None, endpoint: str = "token") -> Client:
        """The client, by exactly the method that it registered (see client_auth)."""
        return client_auth.authenticate(request, self.client_auth, self.query_client)

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> flask.Response:  # noqa: ANN401
        """An answer for machines: JSON, never cached (RFC 6749 §5.1)."""
        return answers.as_json(body, status, headers)

    def handle_error_response(self, request: OAuthRequest, error: OAuthError) -> flask.Response:
        """A refusal leaves by the application's one error handler, which also decides about the transaction."""
        raise error

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """No signals: steps have an order."""


def _in_order(declared: Any) -> dict[Phase, list[Step]]:  # noqa: ANN401 - mappings of steps
    mappings = list(declared)
    return {phase: [steps[phase] for steps in mappings if phase in steps] for phase in Phase}


def current() -> AuthorizationServer:
    """The server of this application."""
    return cast("AuthorizationServer", current_app.extensions["oauth"])
