"""What a user allowed a client, remembered per company, so that it is asked once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from idp import audit
from idp.db import db, uuid7
from idp.grants import grant

_REMEMBERED = """
    SELECT scopes FROM consent
     WHERE user_id = %(user)s AND client_id = %(client)s AND company_id IS NOT DISTINCT FROM %(company)s
       AND all_companies = %(all_companies)s AND withdrawn_at IS NULL
"""

# Adds to what was allowed before, unless that was withdrawn.
_REMEMBER = f"""
    WITH told AS ({audit.EVENT})
    INSERT INTO consent (id, user_id, client_id, company_id, all_companies, scopes, details, given_at)
    VALUES (%(id)s, %(user)s, %(client)s, %(company)s, %(all_companies)s, %(scopes)s, '[]', %(now)s)
    ON CONFLICT (user_id, client_id, company_id, all_companies) DO UPDATE
       SET given_at = excluded.given_at, withdrawn_at = NULL,
           scopes = CASE WHEN consent.withdrawn_at IS NULL
                         THEN ARRAY(SELECT DISTINCT unnest(consent.scopes || excluded.scopes) ORDER BY 1)
                         ELSE excluded.scopes END
"""  # noqa: S608 - constants

_CONNECTED = """
    SELECT k.client_id, client.client_name, company.name, k.scopes, k.given_at
      FROM consent k JOIN client USING (client_id) LEFT JOIN company ON company.id = k.company_id
     WHERE k.user_id = %(user)s AND k.withdrawn_at IS NULL
     ORDER BY client.client_name, company.name
"""

_WITHDRAW = """
    UPDATE consent SET withdrawn_at = %(now)s
     WHERE user_id = %(user)s AND client_id = %(client)s AND withdrawn_at IS NULL
"""


@dataclass(frozen=True)
class Connection:
    """An application that may act for a user, in a company or (none) in no company."""

    client_id: str
    client_name: str
    company_name: str | None
    scopes: tuple[str, ...]
    since: datetime


def remembered(
    user_id: UUID, client_id: str, company_id: UUID | None, *, all_companies: bool = False
) -> frozenset[str]:
    """The scopes that need not be asked again, in this company, in all of them, or where there is none."""
    with db.hot() as cursor:
        values = {"user": user_id, "client": client_id, "company": company_id, "all_companies": all_companies}
        row = cursor.execute(_REMEMBERED, values).fetchone()
    return frozenset(row[0]) if row else frozenset()


def remember(
    user_id: UUID,
    client_id: str,
    company_id: UUID | None,
    scopes: Iterable[str],
    now: datetime,
    *,
    all_companies: bool = False,
) -> None:
    """Keep what the user allowed."""
    values = {"user": user_id, "client": client_id, "company": company_id, "all_companies": all_companies}
    kept = sorted(scopes)
    event = audit.values("consent.granted", user_id=user_id, client_id=client_id, company_id=company_id, scopes=kept)
    with db.hot() as cursor:
        cursor.execute(_REMEMBER, {**values, **event, "id": uuid7(), "scopes": kept, "now": now})


def connected(user_id: UUID) -> list[Connection]:
    """The applications that the user allowed something."""
    with db.hot() as cursor:
        rows = cursor.execute(_CONNECTED, {"user": user_id}).fetchall()
    return [Connection(row[0], row[1], row[2], tuple(row[3]), row[4]) for row in rows]


def withdraw(user_id: UUID, client_id: str, now: datetime) -> None:
    """Take back what a client may do, in every company: what it was allowed is forgotten, what it holds ends."""
    with db.hot() as cursor:
        cursor.execute(_WITHDRAW, {"user": user_id, "client": client_id, "now": now})
    grant.revoke_all(user_id, client_id, now, "consent withdrawn")
    audit.record("consent.revoked", user_id=user_id, client_id=client_id)
