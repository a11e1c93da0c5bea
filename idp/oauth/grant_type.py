"""The token endpoint's fixed order; a grant type only proves what is its own.

Client authentication, scopes, audience and sender constraint happen around the proof, so that no grant can forget them.
"""

from abc import abstractmethod
from typing import Any

from authlib.oauth2.rfc6749 import BaseGrant, TokenEndpointMixin

from idp.errors import InvalidScope, UnauthorizedClient
from idp.oauth import tokens
from idp.oauth.extension import Phase
from idp.oauth.request import Authorization, OAuthRequest


class GrantType(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """One `grant_type` (RFC 6749 §4): a subclass says what it exchanges."""

    GRANT_TYPE: str
    CONFIDENTIAL = False  # for clients that authenticate, and no others
    DECLARED = False  # only an operator may give it to a client
    request: OAuthRequest

    def validate_token_request(self) -> None:
        """Everything that may refuse, in order; what changes for good comes last."""
        request = self.request
        request.client = self.server.authenticate_client(request)
        if not request.client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClient("the client did not register this grant type")
        if self.CONFIDENTIAL and request.client.public:
            raise UnauthorizedClient("the grant type is for clients that authenticate")
        self.server.run_token(Phase.VALIDATE, request)
        request.authorization = self.prove(request)
        request.scopes = narrowed(request.payload.words("scope"), request.authorization.scopes)
        request.audience = request.authorization.audience
        request.details = request.authorization.details
        self.server.run_token(Phase.NARROW, request)
        self.server.run_token(Phase.BIND, request)
        self.server.run_token(Phase.REQUIRE, request)
        self.bound(request)
        self.settle(request)

    @abstractmethod
    def prove(self, request: OAuthRequest) -> Authorization:
        """Judge what the client presented, or raise."""

    def bound(self, request: OAuthRequest) -> None:
        """What was presented may be bound to keys: compare them with those that this request proved, or raise."""

    def settle(self, request: OAuthRequest) -> None:
        """What changes for good, when all was judged; of requests that race, the row lets one go on."""

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The answer (RFC 6749 §5.1)."""
        return 200, tokens.respond(self.server, self.request), []


def narrowed(asked: list[str], granted: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes of this answer: what was asked, all that was granted if nothing was; never more (RFC 6749 §6)."""
    if set(asked) - set(granted):
        raise InvalidScope("scope goes beyond what was granted")
    return tuple(asked) or granted
