"""A client acts for itself: RFC 6749 §4.4. No statement at all: the client is cached, the token is signed."""

from idp.clients import client as clients
from idp.errors import InvalidRequest, InvalidScope, UnauthorizedClient
from idp.oauth.extension import Extension
from idp.oauth.grant_type import GrantType
from idp.oauth.request import Authorization, OAuthRequest


class ClientCredentials(GrantType):
    """Tokens in the client's own name and company."""

    GRANT_TYPE = "client_credentials"

    def prove(self, request: OAuthRequest) -> Authorization:
        """Nothing to prove beyond the client itself, which must be confidential (RFC 6749 §4.4)."""
        client = request.client
        if client.public:
            raise UnauthorizedClient("a public client cannot act for itself")
        if request.payload.get("company"):
            raise InvalidRequest("a client's own token is for the company that owns the client")
        # Scopes about a user mean nothing here.
        scopes = tuple(scope for scope in client.scopes if scope not in clients.DEFAULT_SCOPES)
        if not scopes and request.payload.get("scope"):
            raise InvalidScope("the client registered no scope for itself")
        return Authorization(scopes=scopes, audience=(clients.default_audience(client),))


extension = Extension(name="client_credentials", spec="RFC 6749 §4.4", grants=(ClientCredentials,))
