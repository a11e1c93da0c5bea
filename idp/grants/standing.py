"""What a grant is worth right now: one statement that reads everything a token may say.

A membership, user or company that is suspended, removed or disabled counts at once, here: whoever issues, refreshes,
introspects or answers userinfo reads this first. The number of statements is one, for 1 and for 2,000 memberships.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from idp.companies import policy
from idp.companies.company import named
from idp.db import db
from idp.grants.details import Details

# All memberships but the walled ones; of more than `limit` only the number, since they would not fit into a token.
_MEMBERSHIPS = """
    LEFT JOIN LATERAL (
        SELECT count(*) AS total, jsonb_object_agg(x.id, x.roles) FILTER (WHERE x.position <= %(limit)s) AS map
          FROM (SELECT c.id, to_jsonb(m.roles) AS roles, row_number() OVER () AS position
                  FROM member m JOIN company c ON c.id = m.company_id
                 WHERE m.user_id = g.user_id AND m.suspended_at IS NULL AND c.disabled_at IS NULL
                   AND NOT coalesce((c.policy ->> 'walled')::boolean, false)) x
    ) memberships ON 'companies' = ANY (g.scopes)
"""

COLUMNS = """
    g.id, g.client_id, g.user_id, g.company_id, g.all_companies, g.session_id, g.offline, g.scopes, g.resources,
    g.details, g.claims, g.acr, g.amr, g.auth_time, g.generation, g.rotated_at, g.expires_at, g.revoked_at,
    u.sub, u.username, u.email, u.email_verified_at IS NOT NULL, u.claims, u.updated_at, u.disabled_at IS NULL,
    g.offline OR coalesce(s.ended_at IS NULL AND s.ends_at > %(now)s, false),
    c.id, c.name, c.policy, m.roles, m.version,
    memberships.total, memberships.map
"""

# The company that was asked for, by id or slug; one that does not exist reads like a foreign one: no membership.
JOINS = f"""
      JOIN user_account u ON u.id = g.user_id
      LEFT JOIN sso_session s ON s.id = g.session_id
      LEFT JOIN (member m JOIN company c ON c.id = m.company_id AND c.disabled_at IS NULL)
        ON m.user_id = g.user_id AND m.suspended_at IS NULL
       AND m.company_id = CASE WHEN %(company)s::uuid IS NOT NULL THEN %(company)s
                               WHEN %(slug)s::text IS NOT NULL THEN (SELECT id FROM company WHERE slug = %(slug)s)
                               ELSE g.company_id END
      {_MEMBERSHIPS}
"""  # noqa: S608 - constants of this file

_READ = f"SELECT {COLUMNS} FROM oauth_grant g {JOINS} WHERE g.id = %(grant)s"  # noqa: S608

_READ_UNLESS_REVOKED = f"""
    SELECT {COLUMNS} FROM oauth_grant g {JOINS}
     WHERE g.id = %(grant)s AND NOT EXISTS (SELECT FROM revoked_token WHERE jti = %(jti)s)
"""  # noqa: S608

IN_A_TOKEN = 32  # companies at most; beyond, the number and a place to ask
ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Person:
    """The user behind a grant, as claims need them."""

    sub: str
    username: str
    email: str | None
    email_verified: bool
    claims: dict[str, Any]
    updated_at: datetime
    enabled: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """The user's place in the company of this request."""

    company_id: UUID
    company_name: str
    policy: dict[str, Any]
    roles: tuple[str, ...]
    version: int

    @property
    def walled(self) -> bool:
        """Whether the company's data is kept apart from every other company's."""
        return policy.walled(self.policy)


@dataclass(frozen=True, slots=True)
class Standing:
    """A grant with its user, session and company as they are now."""

    grant_id: UUID
    client_id: str
    user_id: UUID
    granted_company_id: UUID | None
    all_companies: bool
    session_id: UUID | None
    offline: bool
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    details: Details | None
    claims_request: dict[str, Any] | None
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime
    generation: int
    rotated_at: datetime | None
    expires_at: datetime
    revoked: bool
    person: Person
    session_alive: bool
    membership: Membership | None
    companies_count: int | None  # with scope `companies`: how many that are not walled
    companies: dict[str, list[str]]  # id -> roles; not all of them if there are more than the limit

    def alive(self, now: datetime) -> bool:
        """Whether tokens of this grant count: not revoked, not over, user enabled, session alive, still a member."""
        ours = self.granted_company_id is None or self.membership is not None
        return not self.revoked and self.expires_at > now and self.person.enabled and self.session_alive and ours


def read(
    grant_id: UUID, now: datetime, *, company: str | None = None, jti: str | None = None, limit: int = IN_A_TOKEN
) -> Standing | None:
    """Read a grant's standing, for the granted company or another one (id or slug); None if it is gone.

    With `jti`, None also when that one access token was revoked.
    """
    values = {"grant": grant_id, "now": now, "jti": jti, "limit": limit, **named(company)}
    with db.hot() as cursor:
        row = cursor.execute(_READ_UNLESS_REVOKED if jti else _READ, values).fetchone()
    return from_row(row) if row else None


def from_row(row: tuple[Any, ...]) -> Standing:
    """Build the standing from COLUMNS."""
    grant, person, (alive, *company), (total, found) = row[:18], row[18:25], row[25:31], row[31:33]
    membership = Membership(company[0], company[1], company[2], tuple(company[3]), company[4]) if company[0] else None
    return Standing(
        grant_id=grant[0],
        client_id=grant[1],
        user_id=grant[2],
        granted_company_id=grant[3],
        all_companies=grant[4],
        session_id=grant[5],
        offline=grant[6],
        scopes=tuple(grant[7]),
        resources=tuple(grant[8]),
        details=None if grant[9] is None else tuple(grant[9]),
        claims_request=grant[10],
        acr=grant[11],
        amr=tuple(grant[12]),
        auth_time=grant[13],
        generation=grant[14],
        rotated_at=grant[15],
        expires_at=grant[16],
        revoked=grant[17] is not None,
        person=Person(*person),
        session_alive=alive,
        membership=membership,
        companies_count=total,
        companies=found or {},
    )
