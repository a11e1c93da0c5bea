"""The authorization code grant: RFC 6749 §4.1, OpenID Connect Core §3.1."""

from typing import Any

from idp import context
from idp.errors import InvalidGrant, InvalidRequest
from idp.grants import grant as grants
from idp.grants.grant import NewGrant
from idp.oauth import codes, tokens
from idp.oauth.extension import Extension
from idp.oauth.grant_type import GrantType
from idp.oauth.request import Authorization, OAuthRequest


def respond(request: OAuthRequest, new: NewGrant) -> dict[str, Any]:
    """A new code for a new grant (RFC 6749 §4.1.2)."""
    return {"code": codes.begin(request, new)}


class AuthorizationCode(GrantType):
    """Exchange a code, once, for tokens (RFC 6749 §4.1.3)."""

    GRANT_TYPE = "authorization_code"

    def prove(self, request: OAuthRequest) -> Authorization:
        """Count the code's use; a second one ends the grant (RFC 6749 §4.1.2)."""
        code = request.payload.get("code")
        if code is None:
            raise InvalidRequest("code is missing")
        if request.payload.get("company"):
            raise InvalidRequest("the company of a code was chosen when it was asked for")
        client, now = request.client, context.now()
        found = codes.redeem(code, client.client_id, now)
        if found is None:
            raise InvalidGrant("the code is unknown, or another client's")
        known = found.standing
        if found.uses > 1:
            # Somebody else holds the code, and perhaps its tokens.
            grants.revoke(known.grant_id, client.client_id, now, "code replayed", event="code.replayed")
            raise InvalidGrant("the code was used before")
        if not found.in_time:
            raise InvalidGrant("the code has expired")
        if request.payload.redirect_uri != found.redirect_uri:
            raise InvalidGrant("the redirect_uri is not the one of the authorization request")
        if not known.alive(now):
            raise InvalidGrant("the authorization has ended")
        return Authorization(
            scopes=known.scopes,
            audience=known.resources,
            details=known.details,
            standing=known,
            code_challenge=found.code_challenge,
            dpop_jkt=found.dpop_jkt,
            nonce=found.nonce,
        )

    def settle(self, request: OAuthRequest) -> None:
        """The first refresh token of the grant, for a client that registered it."""
        if known := request.authorization.standing:
            request.refresh_token = tokens.refresh_token_for(request, known)


extension = Extension(
    name="authorization_code",
    spec="RFC 6749 §4.1",
    grants=(AuthorizationCode,),
    response_types={"code": respond},
)
