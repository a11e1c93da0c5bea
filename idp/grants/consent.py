"""What a user allowed a client, remembered per company, so that it is asked once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from idp import audit
from idp.db import db, uuid7
from idp.grants.details import Detail, Details, within

_MOST = 100  # entries of details that a consent remembers
_Narrowed = dict[str, Any]  # {"scopes": […], "detail": {…}}: these scopes were allowed together with this entry

_REMEMBERED = """
    SELECT scopes, details FROM consent
     WHERE user_id = %(user)s AND client_id = %(client)s AND company_id IS NOT DISTINCT FROM %(company)s
       AND all_companies = %(all_companies)s AND withdrawn_at IS NULL
"""

# Adds to what was allowed before, unless that was withdrawn; of details only the newest, so that the row stays small.
_REMEMBER = f"""
    WITH told AS ({audit.EVENT})
    INSERT INTO consent (id, user_id, client_id, company_id, all_companies, scopes, details, given_at)
    VALUES (%(id)s, %(user)s, %(client)s, %(company)s, %(all_companies)s, %(scopes)s, %(details)s, %(now)s)
    ON CONFLICT (user_id, client_id, company_id, all_companies) DO UPDATE
       SET given_at = excluded.given_at, withdrawn_at = NULL,
           scopes = CASE WHEN consent.withdrawn_at IS NULL
                         THEN ARRAY(SELECT DISTINCT unnest(consent.scopes || excluded.scopes) ORDER BY 1)
                         ELSE excluded.scopes END,
           details = CASE WHEN consent.withdrawn_at IS NULL THEN (
               SELECT coalesce(jsonb_agg(each ORDER BY place), '[]')
                 FROM (SELECT each, min(position) AS place
                         FROM jsonb_array_elements(excluded.details || consent.details)
                              WITH ORDINALITY listed (each, position)
                        GROUP BY each ORDER BY place LIMIT {_MOST}) newest
               ) ELSE excluded.details END
"""  # noqa: S608 - constants

_CONNECTED = """
    SELECT k.client_id, client.client_name, company.name, k.scopes, k.details, k.given_at
      FROM consent k JOIN client USING (client_id) LEFT JOIN company ON company.id = k.company_id
     WHERE k.user_id = %(user)s AND k.withdrawn_at IS NULL
     ORDER BY client.client_name, company.name
"""

# In one statement: nothing that a client holds outlives what the person took back.
_WITHDRAW = f"""
    WITH withdrawn AS (
        UPDATE consent SET withdrawn_at = %(now)s
         WHERE user_id = %(user)s AND client_id = %(client)s AND withdrawn_at IS NULL
        RETURNING id
    ), ended AS (
        UPDATE oauth_grant SET revoked_at = %(now)s, reason = 'consent withdrawn'
         WHERE user_id = %(user)s AND client_id = %(client)s AND revoked_at IS NULL
        RETURNING id
    ), told AS ({audit.EVENT} WHERE EXISTS (SELECT FROM withdrawn) OR EXISTS (SELECT FROM ended))
    SELECT
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class Missing:
    """What is still to be asked; false if nothing is."""

    scopes: frozenset[str]
    details: Details = ()

    def __bool__(self) -> bool:
        return bool(self.scopes or self.details)


@dataclass(frozen=True)
class Allowed:
    """What a user allowed before: scopes as far as they reach, and scopes only together with details."""

    scopes: frozenset[str] = frozenset()
    narrowed: tuple[_Narrowed, ...] = ()

    def missing(self, scopes: Iterable[str], details: Details | None) -> Missing:
        """What a request goes beyond it.

        Scopes that were allowed for one dataset are not allowed for all of them, so without details only those count
        that were allowed so. With details, each entry must be within one that was allowed with these scopes.
        """
        wanted = frozenset(scopes)
        if details is None:
            return Missing(wanted - self.scopes)
        unknown = tuple(entry for entry in details if not self._knows(entry, wanted))
        return Missing(wanted - frozenset(_all_scopes(self.scopes, self.narrowed)), unknown)

    def _knows(self, entry: Detail, scopes: frozenset[str]) -> bool:
        alike = [each["detail"] for each in self.narrowed if scopes <= self.scopes.union(each["scopes"])]
        return within(entry, alike)


@dataclass(frozen=True)
class Connection:
    """An application that may act for a user, in a company or (none) in no company."""

    client_id: str
    client_name: str
    company_name: str | None
    scopes: tuple[str, ...]
    since: datetime


def remembered(user_id: UUID, client_id: str, company_id: UUID | None, *, all_companies: bool = False) -> Allowed:
    """What need not be asked again, in this company, in all of them, or where there is none."""
    with db.hot() as cursor:
        values = {"user": user_id, "client": client_id, "company": company_id, "all_companies": all_companies}
        row = cursor.execute(_REMEMBERED, values).fetchone()
    return Allowed(frozenset(row[0]), tuple(row[1])) if row else Allowed()


def remember(
    user_id: UUID,
    client_id: str,
    company_id: UUID | None,
    scopes: Iterable[str],
    now: datetime,
    *,
    all_companies: bool = False,
    details: Details | None = None,
) -> None:
    """Keep what the user allowed; with details, the scopes count only together with them."""
    values: dict[str, Any] = {"user": user_id, "client": client_id, "company": company_id}
    values |= {"all_companies": all_companies}
    kept = sorted(scopes)
    told = {"scopes": kept} if details is None else {"scopes": kept, "authorization_details": list(details)}
    event = audit.values("consent.granted", user_id=user_id, client_id=client_id, company_id=company_id, **told)
    narrowed = [{"scopes": kept, "detail": entry} for entry in details or ()]
    values |= {"scopes": kept if details is None else [], "details": Jsonb(narrowed)}
    with db.hot() as cursor:
        cursor.execute(_REMEMBER, {**values, **event, "id": uuid7(), "now": now})


def connected(user_id: UUID) -> list[Connection]:
    """The applications that the user allowed something."""
    with db.hot() as cursor:
        rows = cursor.execute(_CONNECTED, {"user": user_id}).fetchall()
    return [Connection(row[0], row[1], row[2], _all_scopes(row[3], row[4]), row[5]) for row in rows]


def _all_scopes(scopes: Iterable[str], narrowed: Iterable[_Narrowed]) -> tuple[str, ...]:
    return tuple(sorted({*scopes, *(scope for each in narrowed for scope in each["scopes"])}))


def withdraw(user_id: UUID, client_id: str, now: datetime) -> None:
    """Take back what a client may do, in every company: what it was allowed is forgotten, what it holds ends."""
    event = audit.values("consent.revoked", user_id=user_id, client_id=client_id)
    with db.hot() as cursor:
        cursor.execute(_WITHDRAW, {"user": user_id, "client": client_id, "now": now, **event})
