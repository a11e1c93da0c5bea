"""The userinfo endpoint: OpenID Connect Core §5.3, by GET and by POST, for any access token with `openid`."""

import flask

from idp.errors import InvalidToken
from idp.oauth import claims, server, tokens, views
from idp.oauth.claims import Claims, Subject, TokenKind
from idp.oauth.extension import Endpoint, Extension


def userinfo() -> flask.Response:
    """Claims about the user; `sub` is always there and the same as in the ID token."""
    judged = tokens.bearer("openid")
    if judged.standing is None:
        raise InvalidToken(private="a client's own token has no user")
    found: Claims = {"sub": judged.standing.person.sub}
    claims.build(judged.subject, server.current().claim_sources(TokenKind.USERINFO), found)
    return views.as_json(found)


def standard_claims(subject: Subject) -> Claims:
    """What the token's scopes ask for (Core §5.4)."""
    return claims.of_scopes(subject)


extension = Extension(
    name="userinfo",
    spec="OpenID Connect Core §5.3",
    endpoints=(
        Endpoint(
            name="userinfo",
            path="/oauth2/userinfo",
            methods=("GET", "POST"),
            view=userinfo,
            announced="userinfo_endpoint",
            cors=True,
        ),
    ),
    claims={TokenKind.USERINFO: standard_claims},
)
