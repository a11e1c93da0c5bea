"""Authorization codes: the grant and its code begin in one statement, and one redemption sees `uses` = 1.

RFC 6749 §4.1.2: a code is used once. Of N requests that race, the row lock lets exactly one see 1; whoever sees more
ends the grant. A foreign client's attempt touches nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from idp.companies.company import named
from idp.db import db
from idp.grants import standing
from idp.grants.details import Details
from idp.grants.standing import Standing
from idp.opaque import digest

_GRANT = """
    WITH begun AS (
        INSERT INTO oauth_grant (id, user_id, client_id, company_id, all_companies, session_id, offline, scopes,
                                 resources, details, claims, acr, amr, auth_time, generation, created_at, expires_at)
        VALUES (%(id)s, %(user_id)s, %(client_id)s, %(company_id)s, %(all_companies)s, %(session_id)s, %(offline)s,
                %(scopes)s, %(resources)s, %(details)s, %(claims)s, %(acr)s, %(amr)s, %(auth_time)s, 0, %(now)s,
                %(grant_expires_at)s)
        RETURNING *
    ), took_part AS (
        INSERT INTO session_client (session_id, client_id, company_id)
        SELECT %(session_id)s, %(client_id)s, %(company_id)s WHERE %(session_id)s::uuid IS NOT NULL
        ON CONFLICT (session_id, client_id) DO UPDATE
           SET company_id = coalesce(excluded.company_id, session_client.company_id)
    ), waited AS (
        DELETE FROM authorization_request WHERE hash = %(waiting)s
    )
"""

_CODE = """
    INSERT INTO authorization_code (hash, grant_id, client_id, redirect_uri, code_challenge, nonce, dpop_jkt, uses,
                                    expires_at)
    SELECT %(code)s::bytea, %(id)s, %(client_id)s, %(redirect_uri)s, %(code_challenge)s, %(nonce)s, %(dpop_jkt)s, 0,
           %(code_expires_at)s
"""

_BEGIN = _GRANT + _CODE

# The new row is read where it was returned: in the table this statement does not see it yet.
_BEGIN_AND_READ = f"""
    {_GRANT}, handed_out AS ({_CODE} WHERE %(code)s IS NOT NULL)
    SELECT {standing.COLUMNS} FROM begun g {standing.JOINS}
"""  # noqa: S608 - constants

_REDEEM = f"""
    WITH code AS (
        UPDATE authorization_code SET uses = uses + 1
         WHERE hash = %(code)s AND client_id = %(client)s
        RETURNING grant_id, redirect_uri, code_challenge, nonce, dpop_jkt, uses, expires_at > %(now)s AS in_time
    )
    SELECT {standing.COLUMNS}, code.redirect_uri, code.code_challenge, code.nonce, code.dpop_jkt, code.uses,
           code.in_time
      FROM code JOIN oauth_grant g ON g.id = code.grant_id {standing.JOINS}
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
    grant_expires_at: datetime
    code_expires_at: datetime | None = None
    redirect_uri: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    dpop_jkt: str | None = None
    waiting: bytes | None = None  # the hash of the request that waited


@dataclass(frozen=True, slots=True)
class Redemption:
    """A code that was just counted."""

    standing: Standing
    redirect_uri: str | None
    code_challenge: str | None
    nonce: str | None
    dpop_jkt: str | None
    uses: int
    in_time: bool


def begin(grant: NewGrant, code: bytes) -> None:
    """Insert a grant with its code (the digest) and forget the request that waited."""
    with db.hot() as cursor:
        cursor.execute(_BEGIN, _values(grant, code))


def begin_and_read(grant: NewGrant, code: bytes | None) -> Standing:
    """The same, with what tokens may say of the grant at once; `code` is None where none is handed out."""
    values = {**_values(grant, code), "limit": standing.IN_A_TOKEN, **named(None)}
    with db.hot() as cursor:
        row = cursor.execute(_BEGIN_AND_READ, values).fetchone()
    if row is None:
        raise LookupError("the user of a new grant is gone")
    return standing.from_row(row)


def _values(grant: NewGrant, code: bytes | None) -> dict[str, Any]:
    as_json = {
        "claims": Jsonb(grant.claims) if grant.claims else None,
        "details": None if grant.details is None else Jsonb(grant.details),
    }
    return {**vars(grant), **as_json, "code": code}


def redeem(code: str, client_id: str, now: datetime) -> Redemption | None:
    """Count a use of the code; None if there is no such code for this client now.

    Counting comes before any check of PKCE or the redirect URI: a code that was presented wrongly is spent.
    """
    values = {"code": digest(code), "client": client_id, "now": now, "limit": standing.IN_A_TOKEN, **named(None)}
    with db.hot() as cursor:
        row = cursor.execute(_REDEEM, values).fetchone()
    return Redemption(standing.from_row(row[:-6]), *row[-6:]) if row else None
