"""A client acts for itself: RFC 6749 §4.4. No statement at all: the client is cached, the token is signed."""

from idp.clients import client as clients
from idp.errors import InvalidRequest, InvalidTarget
from idp.oauth.extension import Extension
from idp.oauth.grant_type import GrantType
from idp.oauth.request import Authorization, OAuthRequest


class ClientCredentials(GrantType):
    """Tokens in the client's own name and company."""

    GRANT_TYPE = "client_credentials"
    CONFIDENTIAL = True  # RFC 6749 §4.4

    def prove(self, request: OAuthRequest) -> Authorization:
        """Nothing to prove beyond the client itself."""
        client = request.client
        if request.payload.get("company"):
            raise InvalidRequest("a client's own token is for the company that owns the client")
        asked = tuple(dict.fromkeys(request.payload.all("resource")))
        # Nothing was granted before that could be narrowed: the registration is the limit (RFC 8707 §2).
        if any(not clients.may_ask_for(client, uri) for uri in asked):
            raise InvalidTarget("resource is not registered for this client")
        audience = asked or (clients.default_audience(client),)
        # Scopes about a user mean nothing here.
        scopes = set(client.scopes) - clients.DEFAULT_SCOPES
        if clients.api_resource().uri in audience and clients.resources_of(client.client_id):
            # Who acts as a resource server must be able to ask who the members are.
            scopes.add("members:read")
        return Authorization(scopes=tuple(sorted(scopes)), audience=audience)


extension = Extension(name="client_credentials", spec="RFC 6749 §4.4", grants=(ClientCredentials,))
