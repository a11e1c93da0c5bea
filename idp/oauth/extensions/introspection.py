"""Whether a token counts, and what it says: RFC 7662.

For tokens whose audience is a resource that names the caller, and for the caller's own; anything else is exactly
`{"active": false}`. When the database is away the answer is 503, never a guess.
"""

from typing import Any

import flask

from idp import answers, context
from idp.clients import client as clients
from idp.clients.models import Client
from idp.errors import InvalidRequest
from idp.grants import standing
from idp.oauth import claims, refresh, server, tokens
from idp.oauth.claims import Claims, Subject, TokenKind
from idp.oauth.extension import Clients, Endpoint, Extension
from idp.oauth.request import OAuthRequest

_JSON = "application/json"

# What stands in the token and stays true; roles and companies are read anew.
_REPORTED = (
    "iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope", "auth_time", "acr", "amr", "sid", "grant_id", "cnf",
    "authorization_details", "act", "may_act",
)  # fmt: skip


def introspect(request: OAuthRequest) -> flask.Response:
    """POST /oauth2/introspect (RFC 7662 §2)."""
    token = request.payload.get("token")
    if token is None:
        raise InvalidRequest("token is missing")
    found = _refresh_token(request.client, token) if token.startswith("rt_") else _access_token(request.client, token)
    return _answer(request.client, found or {"active": False})


def _answer(caller: Client, found: Claims) -> flask.Response:
    """JSON, or what the caller would rather have (RFC 9110 §12.5.1)."""
    forms, accept = server.current().introspection, flask.request.headers.get("Accept", "").lower()
    # Nothing but its own name is preferred to JSON, and weighing what most callers send costs ten times as much.
    named = [form for form in forms if form in accept]
    chosen = flask.request.accept_mimetypes.best_match([_JSON, *named], default=_JSON) if named else _JSON
    if chosen == _JSON:
        response = answers.as_json(found)
    else:
        response = flask.Response(forms[chosen](caller, found), mimetype=chosen)
        response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept")
    return response


def _access_token(caller: Client, token: str) -> Claims | None:
    judged = tokens.judge(token, companies=standing.ALL)
    if judged is None or not _concerns(caller, judged):
        return None
    kept = {name: judged.claims[name] for name in _REPORTED if name in judged.claims}
    found: dict[str, Any] = {"active": True, **kept, "token_type": tokens.scheme_of(kept.get("cnf", ()))}
    return claims.build(judged.subject, server.current().claim_sources(TokenKind.INTROSPECTION), found)


def _concerns(caller: Client, judged: tokens.Judged) -> bool:
    own = judged.client.client_id == caller.client_id
    return own or not clients.resources_of(caller.client_id).isdisjoint(judged.audience)


def _refresh_token(caller: Client, token: str) -> Claims | None:
    """A refresh token concerns only the client that holds it."""
    presented, now = refresh.read(token), context.now()
    known = standing.read(presented.grant_id, now, limit=standing.ALL) if presented else None
    if presented is None or known is None or known.client_id != caller.client_id or not known.alive(now):
        return None
    if presented.generation != known.generation:
        return None
    found: dict[str, Any] = {
        "active": True,
        "iss": context.settings().public_url,
        "sub": known.person.sub,
        "client_id": known.client_id,
        "scope": " ".join(known.scopes),
        "exp": int(known.expires_at.timestamp()),
        "grant_id": str(known.grant_id),
        "token_type": "refresh_token",
    }
    if known.details is not None:
        found["authorization_details"] = known.details
    subject = Subject(caller, known.scopes, known)
    return claims.build(subject, server.current().claim_sources(TokenKind.INTROSPECTION), found)


extension = Extension(
    name="introspection",
    spec="RFC 7662",
    endpoints=(
        Endpoint(
            name="introspect",
            path="/oauth2/introspect",
            methods=("POST",),
            view=introspect,
            announced="introspection_endpoint",
            clients=Clients.CONFIDENTIAL,
        ),
    ),
)
