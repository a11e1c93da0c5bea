"""Tokens in the authorization response: what the implicit and the hybrid flow share (OpenID Connect Core §3.2, §3.3).

They pass through the browser, where more can go wrong than at the token endpoint (RFC 9700 §2.1.2): the extensions that
use this are off by default, and a client registers the grant type `implicit`.
"""

from typing import Any

from idp.errors import InvalidRequest, UnauthorizedClient
from idp.grants.standing import Standing
from idp.oauth import server, tokens
from idp.oauth.claims import Subject
from idp.oauth.request import OAuthRequest


def check(request: OAuthRequest) -> None:
    """What a request must have before a token may be in its answer.

    Raises:
        UnauthorizedClient: the grant type of these response types is not registered (Registration §2).
        InvalidRequest: for an ID token, `nonce` binds it to the client's session (Core §3.2.2.1, §3.3.2.11), and
            `openid` asks for it (§3.1.2.1).
    """
    if not request.client.check_grant_type("implicit"):
        raise UnauthorizedClient("the client did not register the grant type implicit")
    if "id_token" not in request.hands_out:
        return
    if "openid" not in request.scopes:
        raise InvalidRequest("an ID token needs the scope openid")
    if request.payload.get("nonce") is None:
        raise InvalidRequest("nonce is missing: an ID token in the authorization response needs one")


def answer(request: OAuthRequest, standing: Standing, code: str | None = None) -> dict[str, Any]:
    """The tokens that the response type names, for a grant that just began; `code` is what comes with them.

    Never a refresh token (RFC 6749 §4.2.2).
    """
    provider, handed_out = server.current(), request.hands_out
    subject = Subject(request.client, request.scopes, standing, only_id_token=handed_out == {"id_token"})
    found = tokens.access_token_response(provider, request, subject) if "token" in handed_out else {}
    # The token has them; the authorization response itself has no member for them (RFC 9396 §4).
    found.pop("authorization_details", None)
    if "id_token" in handed_out:
        found["id_token"] = tokens.issue_id_token(
            provider,
            subject,
            nonce=request.payload.get("nonce"),
            access_token=found.get("access_token"),
            code=code,
        )
    return found
