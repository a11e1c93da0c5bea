"""Grants: begun in one statement with whatever their beginning answers, and ended for good.

What waited for the grant is the lock: the statement deletes it, and begins nothing where it was gone already. So of
several answers to one request, at once or one after another, the first counts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from idp import audit
from idp.companies.company import named
from idp.db import db
from idp.errors import InvalidRequestUri
from idp.grants import standing
from idp.grants.details import Details
from idp.grants.standing import Standing

# Parts of a statement, as CTEs `begun` and `took_part`; the parameters come from `NewGrant.values()`.
# After the first a WHERE may follow; it returns all columns.
INSERT = """
    INSERT INTO oauth_grant (id, user_id, client_id, company_id, all_companies, session_id, offline, scopes, resources,
                             details, claims, acr, amr, auth_time, generation, created_at, expires_at)
    SELECT %(id)s, %(user_id)s, %(client_id)s, %(company_id)s, %(all_companies)s, %(session_id)s, %(offline)s,
           %(scopes)s, %(resources)s, %(details)s, %(claims)s, %(acr)s, %(amr)s, %(auth_time)s, 0, %(now)s,
           %(expires_at)s
"""
TAKE_PART = """
    INSERT INTO session_client (session_id, client_id, company_id)
    SELECT session_id, client_id, company_id FROM begun WHERE session_id IS NOT NULL
    ON CONFLICT (session_id, client_id) DO UPDATE
       SET company_id = coalesce(excluded.company_id, session_client.company_id)
"""

# The beginning of a statement: the request is answered, if it waited, and the grant begins, unless it was before.
BEGIN = f"""
    WITH waited AS (
        DELETE FROM authorization_request WHERE hash = %(waiting)s RETURNING hash
    ), begun AS (
        {INSERT} WHERE %(waiting)s::bytea IS NULL OR EXISTS (SELECT FROM waited)
        RETURNING *
    ), took_part AS ({TAKE_PART})
"""  # noqa: S608 - constants

# The end of it. The new row is read where it was returned: in the table this statement does not see it yet.
READ = f"SELECT {standing.COLUMNS} FROM begun g {standing.JOINS}"  # noqa: S608 - constants

_BEGIN = f"{BEGIN} {READ}"
_BEGIN_AND_TELL = f"{BEGIN}, told AS ({audit.EVENT} WHERE EXISTS (SELECT FROM begun)) {READ}"

_REVOKE = f"""
    WITH ended AS (
        UPDATE oauth_grant SET revoked_at = %(now)s, reason = %(reason)s
         WHERE id = %(grant)s AND client_id = %(client)s AND revoked_at IS NULL
        RETURNING company_id, user_id, client_id
    )
    {audit.INTO} SELECT %(event_id)s, %(event)s, company_id, user_id, client_id, %(event_facts)s FROM ended
"""  # noqa: S608 - constants


@dataclass(frozen=True, kw_only=True)
class NewGrant:
    """An authorization that is about to begin: what was asked, how the user had signed in, for which company."""

    id: UUID
    user_id: UUID
    client_id: str
    company_id: UUID | None
    all_companies: bool = False
    session_id: UUID | None = None  # none: nobody signed in here
    offline: bool
    scopes: list[str]
    resources: list[str]
    details: Details | None
    claims: dict[str, Any] | None = None
    acr: str
    amr: list[str]
    auth_time: datetime
    now: datetime
    expires_at: datetime
    waiting: bytes | None = None  # the hash of the request that waited

    def values(self) -> dict[str, Any]:
        """The parameters of INSERT, TAKE_PART and BEGIN."""
        as_json = {
            "claims": Jsonb(self.claims) if self.claims else None,
            "details": None if self.details is None else Jsonb(self.details),
        }
        return {**vars(self), **as_json}


class Answered(InvalidRequestUri):
    """The request that the grant was for waits no longer: another answer came first."""

    description = "the request was answered a moment ago: start again from the application"


def begin(new: NewGrant, *, event: dict[str, Any] | None = None) -> Standing:
    """Begin a grant; what tokens may say of it at once. Perhaps with a security event (`audit.values`).

    Raises:
        Answered: the request that waited is gone.
    """
    statement = _BEGIN_AND_TELL if event else _BEGIN
    return begun(statement, new.values() | (event or {}))


def begun(statement: str, values: dict[str, Any]) -> Standing:
    """Execute a statement that starts with BEGIN and ends with READ; errors as of `begin`."""
    with db.hot() as cursor:
        row = cursor.execute(statement, {**values, "limit": standing.IN_A_TOKEN, **named(None)}).fetchone()
    if row is None:
        raise Answered
    return standing.from_row(row)


def revoke(grant_id: UUID, client_id: str, now: datetime, reason: str, *, event: str) -> bool:
    """End a grant of this client with all its tokens, and record the event; False if nothing lived."""
    values = {"grant": grant_id, "client": client_id, "now": now, "reason": reason}
    with db.hot() as cursor:
        return bool(cursor.execute(_REVOKE, values | audit.values(event)).rowcount)
