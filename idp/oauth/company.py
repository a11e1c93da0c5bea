"""Which company the tokens are for.

`company=<id or slug>` decides; without it the only membership, then the company last chosen for this client within the
SSO session; otherwise the user chooses. `company=*` asks for all. A foreign company and one that does not exist are one
answer, read by one statement.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from idp.companies import policy
from idp.companies.company import named
from idp.db import db
from idp.errors import AccessDenied, InvalidRequest

if TYPE_CHECKING:
    from idp.oauth.request import OAuthRequest

ALL = "*"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)  # a slug, or an id: UUIDs look like one
MOST_SHOWN = 100

_MEMBER = """
    SELECT c.id, c.slug, c.name, c.policy, m.roles
      FROM member m JOIN company c ON c.id = m.company_id
     WHERE m.user_id = %(user)s AND m.suspended_at IS NULL AND c.disabled_at IS NULL
"""

_NAMED = f"""
    {_MEMBER} AND (c.id = %(company)s::uuid OR c.slug = %(slug)s)
"""

_FIRST_TWO = f"{_MEMBER} LIMIT 2"

# The company last chosen for this client, then up to two memberships: enough to know whether there is one choice.
_LIKELY = f"""
    SELECT * FROM (
        SELECT found.*, true FROM session_client sc, LATERAL ({_MEMBER} AND c.id = sc.company_id) found
         WHERE sc.session_id = %(session)s AND sc.client_id = %(client)s) last_chosen
    UNION ALL
    SELECT * FROM ({_MEMBER} LIMIT 2) any_two, LATERAL (SELECT false) flag
"""  # noqa: S608

_CHOICES = f"""
    WITH mine AS MATERIALIZED ({_MEMBER}), used AS (
        SELECT g.company_id, max(g.created_at) AS last_used FROM oauth_grant g
         WHERE g.user_id = %(user)s AND g.revoked_at IS NULL AND g.company_id IS NOT NULL GROUP BY g.company_id)
    SELECT mine.id, mine.slug, mine.name, mine.policy, mine.roles, used.last_used, (SELECT count(*) FROM mine)
      FROM mine LEFT JOIN used ON used.company_id = mine.id
     WHERE strpos(lower(mine.name || ' ' || mine.slug), lower(%(q)s)) > 0
     ORDER BY used.last_used DESC NULLS LAST, lower(mine.name) LIMIT %(most)s
"""  # noqa: S608


@dataclass(frozen=True)
class Choice:
    """A company that the user may work for; `last_used` is of their newest living authorization there."""

    id: UUID
    slug: str
    name: str
    policy: dict[str, Any]
    roles: tuple[str, ...]
    last_used: datetime | None = None

    @property
    def walled(self) -> bool:
        """Whether the company's data is kept apart from every other company's."""
        return policy.walled(self.policy)


@dataclass(frozen=True)
class Determined:
    """The outcome: one company, all of them, none at all; or a choice that only the user can make."""

    company: Choice | None = None
    all_companies: bool = False
    ask: bool = False

    @property
    def company_id(self) -> UUID | None:
        """The company's id, if it is one."""
        return self.company.id if self.company else None


@dataclass(frozen=True)
class Choices:
    """What the chooser shows: those used lately, then the rest by name, at most 100 in all; `total` is of all."""

    total: int
    recent: tuple[Choice, ...]
    items: tuple[Choice, ...]


def validate(request: "OAuthRequest") -> None:
    """The parameter `company`: an id, a slug, or `*` together with the scope `companies`."""
    asked = request.payload.get("company")
    if asked == ALL and "companies" not in request.scopes:
        raise InvalidRequest("company=* needs the scope companies")
    if asked not in (None, ALL) and not well_formed(asked):
        raise InvalidRequest("company must be the id or slug of a company, or *")


def well_formed(name: str | None) -> bool:
    """Whether it can be an id or a slug at all."""
    return bool(name and _NAME.fullmatch(name))


def determine(request: "OAuthRequest") -> Determined:
    """Which company this authorization is for, as far as it can be known without asking.

    Raises:
        AccessDenied: the company that was named does not exist, or is not the user's.
    """
    session, waiting = request.learnt.session, request.learnt.waiting
    if session is None:
        raise TypeError("a company is determined for a signed-in user")
    named = request.payload.get("company")
    if named == ALL:
        return Determined(all_companies=True)
    chosen = waiting.company if waiting else None
    if named or chosen:
        company = member_of(session.user_id, chosen or named or "")
        if company is None:
            raise AccessDenied("the user does not belong to this company")
        return Determined(company)
    values = {"user": session.user_id, "session": session.id, "client": request.client.client_id}
    with db.hot() as cursor:
        rows = cursor.execute(_LIKELY, values).fetchall()
    again = "select_account" in request.learnt.prompts
    if not rows:
        return Determined()
    last = rows[0][5]
    several = len(rows) - last > 1
    if several and (again or not last):
        return Determined(ask=True)
    return Determined(_choice(rows[0][:5]))


def member_of(user_id: UUID, company: str) -> Choice | None:
    """The company by id or slug, if the user works there now."""
    with db.hot() as cursor:
        row = cursor.execute(_NAMED, {"user": user_id, **named(company)}).fetchone()
    return _choice(row) if row else None


def first_two(user_id: UUID) -> list[Choice]:
    """Up to two companies of the user: enough to know whether there is a choice."""
    with db.hot() as cursor:
        rows = cursor.execute(_FIRST_TWO, {"user": user_id}).fetchall()
    return [_choice(row) for row in rows]


def choices(user_id: UUID, q: str) -> Choices:
    """What the chooser shows for a search, `q` anywhere in name or slug."""
    with db.hot() as cursor:
        rows = cursor.execute(_CHOICES, {"user": user_id, "q": q, "most": MOST_SHOWN}).fetchall()
    found = [_choice(row) for row in rows]
    recent = tuple(choice for choice in found if choice.last_used)[:5]
    return Choices(rows[0][6] if rows else 0, recent, tuple(choice for choice in found if choice not in recent))


def _choice(row: tuple[Any, ...]) -> Choice:
    return Choice(row[0], row[1], row[2], row[3], tuple(row[4]), row[5] if len(row) > 5 else None)
