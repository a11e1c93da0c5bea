"""What a token says about its own user: who they are, and the companies they belong to."""

from typing import Any
from uuid import UUID

import flask
from werkzeug.datastructures import MIMEAccept

from idp import answers
from idp.api import guard, paging
from idp.clients import profile
from idp.context import keys, now, settings
from idp.db import db
from idp.grants.standing import Standing
from idp.oauth import claims
from idp.oauth.claims import Subject

_JWT, _JSON = "application/jwt", "application/json"
_FIRST = UUID(int=0)  # before every company

# Walled companies are listed on the user's own pages only.
_COMPANIES = """
    SELECT c.id, c.slug, c.name, m.roles
      FROM member m JOIN company c ON c.id = m.company_id
     WHERE m.user_id = %(user)s AND m.suspended_at IS NULL AND c.disabled_at IS NULL
       AND NOT coalesce((c.policy ->> 'walled')::boolean, false)
       AND m.company_id > %(after)s
     ORDER BY m.company_id LIMIT %(limit)s
"""

# Member of the answer -> the claim that it is, shown by the claim's scope (OpenID Connect Core §5.4).
_SHOWN = {
    "username": "preferred_username",
    "name": "name",
    "given_name": "given_name",
    "family_name": "family_name",
    "locale": "locale",
    "email": "email",
    "email_verified": "email_verified",
}

_SLUG = "SELECT slug FROM company WHERE id = %(id)s"


def me() -> flask.Response:
    """GET /me: the user as far as the token's scopes show them, and the active company."""
    judged, known = guard.person("openid")
    shown = claims.of_scopes(judged.subject)
    found = {"sub": known.person.sub}
    # What a scope does not show is absent, as in userinfo; null would say that there is none.
    found |= {name: shown[claim] for name, claim in _SHOWN.items() if claim in shown}
    return answers.as_json(found | {"company": _active_company(judged.subject, known)})


def _active_company(subject: Subject, known: Standing) -> dict[str, Any] | None:
    """The company of the token, as the token names it; with scope `companies` also in words."""
    active = known.membership
    if active is None:
        return None
    found = {"id": str(active.company_id), "roles": list(active.roles), "member_ver": active.version}
    if "companies" in subject.scopes:
        with db.hot() as cursor:
            row = cursor.execute(_SLUG, {"id": active.company_id}).fetchone()
        found |= {"slug": row[0], "name": active.company_name} if row else {}
    return found


def companies() -> flask.Response:
    """GET /me/companies: a signed JWT with all of them, for OpenID Connect Core §5.6.2; pages for who prefers JSON."""
    judged, known = guard.person("companies")
    if _preferred() == _JSON:
        response = _page(known)
    else:
        alg = profile.signed_response_alg(judged.client, "id_token")
        response = flask.Response(_statement(known, alg), mimetype=_JWT)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept, Authorization"
    return response


def _preferred() -> str:
    """The form that the client likes better (RFC 9110 §12.5.1); the statement when it likes neither."""
    # Without parameters such as charset, which tell neither form from the other.
    accepted = [(name.partition(";")[0].strip(), quality) for name, quality in flask.request.accept_mimetypes]
    return MIMEAccept(accepted).best_match([_JWT, _JSON], default=_JWT)


def _statement(known: Standing, alg: str) -> str:
    """The whole map, signed as this client's ID tokens are.

    Without `aud` and `client_id`, so that it can be neither an ID token nor an access token.
    """
    issued_at = int(now().timestamp())
    return keys().sign(
        {
            "iss": settings().public_url,
            "sub": known.person.sub,
            "iat": issued_at,
            "exp": issued_at + settings().tokens.access_token_ttl,
            "companies": {str(id_): roles for id_, _, _, roles in _read(known, _FIRST, None)},
        },
        alg=alg,
        typ="JWT",
    )


def _page(known: Standing) -> flask.Response:
    asked = paging.page_request(known.person.sub)
    rows = _read(known, UUID(asked.after[0]) if asked.after else _FIRST, asked.limit + 1)
    shown = rows[: asked.limit]
    items = [{"id": str(id_), "slug": slug, "name": name, "roles": roles} for id_, slug, name, roles in shown]
    last = (str(shown[-1][0]),) if len(rows) > len(shown) else None
    return answers.as_json(paging.page(asked, items, last))


def _read(known: Standing, after: UUID, limit: int | None) -> list[tuple[UUID, str, str, list[str]]]:
    """The user's companies behind `after`; none of them while a walled one is active."""
    if known.membership and known.membership.walled:
        return []
    with db.hot() as cursor:
        return cursor.execute(_COMPANIES, {"user": known.user_id, "after": after, "limit": limit}).fetchall()
