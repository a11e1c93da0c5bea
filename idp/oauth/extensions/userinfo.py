"""The userinfo endpoint: OpenID Connect Core §5.3, by GET and by POST, for any access token with `openid`."""

import json
from typing import Any

import flask

from idp import answers, context
from idp.clients import encryption, profile
from idp.clients.models import Client
from idp.errors import InvalidToken
from idp.oauth import claims, server, subjects, tokens
from idp.oauth.claims import Claims, Subject, TokenKind
from idp.oauth.extension import Endpoint, Extension
from idp.settings import Settings

_KIND = "userinfo"


def userinfo() -> flask.Response:
    """Claims about the user; `sub` is always there and the same as in the ID token."""
    judged = tokens.bearer("openid")
    if judged.standing is None:
        raise InvalidToken(private="a client's own token has no user")
    found: Claims = {"sub": subjects.known_to(judged.client, judged.standing.person.sub)}
    claims.build(judged.subject, server.current().claim_sources(TokenKind.USERINFO), found)
    return _answer(judged.client, found)


def _answer(client: Client, found: Claims) -> flask.Response:
    """JSON, or what the client registered: signed, encrypted, or signed and then encrypted (Core §5.3.2)."""
    alg = client.client_metadata.get("userinfo_signed_response_alg")
    if alg is None and not encryption.wanted(client, _KIND):
        return answers.as_json(found)
    if alg is None:
        token = encryption.encrypt(client, _KIND, json.dumps(found), cty=None)
    else:
        named = {"iss": context.settings().public_url, "aud": client.client_id, **found}
        # Without a typ it can be taken neither for an ID token nor for an access token.
        token = encryption.nested(client, _KIND, context.keys().sign(named, alg=alg))
    response = flask.Response(token, mimetype="application/jwt")
    response.headers["Cache-Control"] = "no-store"
    return response


def standard_claims(subject: Subject) -> Claims:
    """What the token's scopes ask for (Core §5.4)."""
    return claims.of_scopes(subject)


def metadata(settings: Settings) -> dict[str, Any]:
    """OpenID Connect Discovery §3."""
    return {"userinfo_signing_alg_values_supported": profile.signing(settings), **encryption.announced(_KIND)}


extension = Extension(
    name="userinfo",
    spec="OpenID Connect Core §5.3",
    metadata=metadata,
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
