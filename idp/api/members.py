"""The members of a company: people, and the company's own clients.

Whoever may not ask gets one answer, whether the company is another one's or does not exist: the statement that looks
for it is the same, and reads nobody.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import flask
from werkzeug.exceptions import Forbidden, NotFound

from idp import answers
from idp.api import guard, paging
from idp.clients import client as clients
from idp.companies import company as companies
from idp.companies import policy
from idp.db import db
from idp.oauth.tokens import Judged

_FIRST = UUID(int=0)
_BEHIND_PEOPLE = UUID(int=2**128 - 1)  # people come before clients

# The company, if the token may know of it, and whether it may ask. A token for all companies acts in those that it
# names, so in no walled one, with the roles that its user has there now (policy.may: `members.read`).
_COMPANY = """
    WITH company_asked AS (
        SELECT c.id, %(everywhere)s OR (c.id = %(active)s AND %(admin)s) OR 'admin' = ANY (a.roles) AS may
          FROM company c
          LEFT JOIN member a ON a.company_id = c.id AND a.user_id = %(user)s AND a.suspended_at IS NULL
                            AND NOT coalesce((c.policy ->> 'walled')::boolean, false)
         WHERE (c.id = %(id)s OR c.slug = %(slug)s) AND c.disabled_at IS NULL
           AND (%(everywhere)s OR c.id = %(active)s OR a.company_id IS NOT NULL))
"""

# Only an address that was proved: whoever shares something by address must not reach somebody who merely claims it.
_EMAIL = "CASE WHEN u.email_verified_at IS NOT NULL THEN u.email END"

_PERSON = f"""
    SELECT m.user_id, NULL::text AS client_id, u.sub, u.username, u.claims ->> 'name', {_EMAIL}, m.roles, m.version,
           m.suspended_at IS NOT NULL OR u.disabled_at IS NOT NULL
"""

_CLIENT = """
    SELECT %(behind_people)s, c.client_id, c.client_id, c.client_id, c.client_name, NULL, c.roles, 0,
           c.disabled_at IS NOT NULL
      FROM client c
     WHERE c.company_id = company_asked.id
"""


def _page(people: str, clients: str) -> str:
    """The statement of a page: people by id, then clients by id."""
    return f"""{_COMPANY}
        SELECT company_asked.id, company_asked.may, found.*
          FROM company_asked LEFT JOIN LATERAL (
            ({_PERSON} {people} ORDER BY m.user_id LIMIT %(limit)s) UNION ALL
            ({_CLIENT} AND c.client_id > %(after_client)s {clients} ORDER BY c.client_id LIMIT %(limit)s)
            ORDER BY user_id, client_id LIMIT %(limit)s) found ON company_asked.may
         ORDER BY found.user_id, found.client_id
    """  # noqa: S608


# A page of memberships first, their people then: else a company of 20,000 joins them all to sort out 50.
_PAGE = _page(
    """FROM (SELECT * FROM member WHERE company_id = company_asked.id AND user_id > %(after_person)s
              ORDER BY user_id LIMIT %(limit)s) m
       JOIN user_account u ON u.id = m.user_id""",
    "",
)

_SEARCH = _page(
    f"""FROM member m JOIN user_account u ON u.id = m.user_id
       WHERE m.company_id = company_asked.id AND m.user_id > %(after_person)s
         AND strpos(lower(concat_ws(E'\\n', u.username, u.claims ->> 'name', {_EMAIL})), lower(%(q)s)) > 0""",
    "AND strpos(lower(concat_ws(E'\\n', c.client_id, c.client_name)), lower(%(q)s)) > 0",
)

_ONE = f"""{_COMPANY}
    SELECT company_asked.id, company_asked.may, found.*
      FROM company_asked LEFT JOIN LATERAL (
        ({_PERSON} FROM member m JOIN user_account u ON u.id = m.user_id
          WHERE m.company_id = company_asked.id AND u.sub = %(sub)s)
        UNION ALL ({_CLIENT} AND c.client_id = %(sub)s)
        ORDER BY user_id LIMIT 1) found ON company_asked.may
"""  # noqa: S608

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Asker:
    """How far a token reaches: everywhere, in its active company, or in the companies where its user is a member."""

    everywhere: bool = False
    active: UUID | None = None
    admin: bool = False  # of the active company
    user: UUID | None = None  # of a token for all companies


def members(company: str) -> flask.Response:
    """GET /companies/<id or slug>/members."""
    judged = guard.bearer("members:read")
    asked = paging.page_request(judged.claims["sub"])
    person, client = asked.after or (str(_FIRST), "")
    values = {"after_person": UUID(person), "after_client": client, "q": asked.q, "limit": asked.limit + 1}
    rows = _ask(_SEARCH if asked.q else _PAGE, judged, company, **values)
    shown = [row for row in rows if row[2]][: asked.limit]
    last = (str(shown[-1][2]), shown[-1][3] or "") if len(rows) > asked.limit else None
    return answers.as_json({"company_id": str(rows[0][0]), **paging.page(asked, [_item(row) for row in shown], last)})


def member(company: str, sub: str) -> flask.Response:
    """GET /companies/<id or slug>/members/<sub>."""
    (row,) = _ask(_ONE, guard.bearer("members:read"), company, sub=sub)
    if row[2] is None:
        raise NotFound(_NOTHING)
    return answers.as_json(_item(row))


_NOTHING = "there is nothing here that this token may see"


def _ask(statement: str, judged: Judged, company: str, **values: object) -> list[Row]:
    """The statement's rows, at least one.

    Raises:
        NotFound: the company does not exist, or is none of the token's.
        Forbidden: it is the token's own, and it is no admin's.
    """
    asker = _asker(judged)
    name = companies.named(company)
    values |= {
        "id": name["company"],
        "slug": name["slug"],
        "everywhere": asker.everywhere,
        "active": asker.active,
        "admin": asker.admin,
        "user": asker.user,
        "behind_people": _BEHIND_PEOPLE,
    }
    with db.hot() as cursor:
        rows = cursor.execute(statement, values).fetchall()
    if not rows:
        raise NotFound(_NOTHING)
    if not rows[0][1]:
        raise Forbidden("only an admin of the company may see its members")
    return rows


def _asker(judged: Judged) -> Asker:
    """What the token's subject may ask, by the roles that hold now."""
    known, client = judged.standing, judged.client
    if known is None:
        # A client's own token only: with a person's token a resource server's client acts for that person.
        everywhere = bool(clients.resources_of(client.client_id))
        return Asker(everywhere, client.company_id, policy.may(client.roles, "members.read"))
    if known.membership:
        return Asker(active=known.membership.company_id, admin=policy.may(known.membership.roles, "members.read"))
    return Asker(user=known.user_id) if known.all_companies else Asker()


def _item(row: Row) -> dict[str, Any]:
    sub, username, name, email, roles, version, suspended = row[4:]
    return {
        "sub": sub,
        "username": username,
        "name": name,
        "email": email,
        "roles": roles,
        "member_ver": version,
        "suspended": suspended,
    }
