"""Authorization codes: the grant and its code begin in one statement, and one redemption sees `uses` = 1.

RFC 6749 §4.1.2: a code is used once. Of N requests that race, the row lock lets exactly one see 1; whoever sees more
ends the grant. A foreign client's attempt touches nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from idp.companies.company import named
from idp.db import db
from idp.grants import standing
from idp.grants.standing import Standing
from idp.opaque import digest

_BEGIN = """
    WITH begun AS (
        INSERT INTO oauth_grant (id, user_id, client_id, company_id, all_companies, session_id, offline, scopes,
                                 resources, claims, acr, amr, auth_time, generation, created_at, expires_at)
        VALUES (%(id)s, %(user_id)s, %(client_id)s, %(company_id)s, %(all_companies)s, %(session_id)s, %(offline)s,
                %(scopes)s, %(resources)s, %(claims)s, %(acr)s, %(amr)s, %(auth_time)s, 0, %(now)s,
                %(grant_expires_at)s)
    ), took_part AS (
        INSERT INTO session_client (session_id, client_id, company_id)
        VALUES (%(session_id)s, %(client_id)s, %(company_id)s)
        ON CONFLICT (session_id, client_id) DO UPDATE
           SET company_id = coalesce(excluded.company_id, session_client.company_id)
    ), waited AS (
        DELETE FROM authorization_request WHERE hash = %(waiting)s
    )
    INSERT INTO authorization_code (hash, grant_id, client_id, redirect_uri, code_challenge, nonce, uses, expires_at)
    VALUES (%(code)s, %(id)s, %(client_id)s, %(redirect_uri)s, %(code_challenge)s, %(nonce)s, 0, %(code_expires_at)s)
"""

_REDEEM = f"""
    WITH code AS (
        UPDATE authorization_code SET uses = uses + 1
         WHERE hash = %(code)s AND client_id = %(client)s AND expires_at > %(now)s
        RETURNING grant_id, redirect_uri, code_challenge, nonce, uses
    )
    SELECT {standing.COLUMNS}, code.redirect_uri, code.code_challenge, code.nonce, code.uses
      FROM code JOIN oauth_grant g ON g.id = code.grant_id {standing.JOINS}
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Redemption:
    """A code that was just counted."""

    standing: Standing
    redirect_uri: str | None
    code_challenge: str | None
    nonce: str | None
    uses: int


def begin(grant: dict[str, Any]) -> None:
    """Insert a grant with its code and forget the request that waited; the keys are _BEGIN's parameters."""
    with db.hot() as cursor:
        cursor.execute(_BEGIN, {**grant, "claims": Jsonb(grant["claims"]) if grant["claims"] else None})


def redeem(code: str, client_id: str, now: datetime) -> Redemption | None:
    """Count a use of the code; None if there is no such code for this client now.

    Counting comes before any check of PKCE or the redirect URI: a code that was presented wrongly is spent.
    """
    values = {"code": digest(code), "client": client_id, "now": now, "limit": standing.IN_A_TOKEN, **named(None)}
    with db.hot() as cursor:
        row = cursor.execute(_REDEEM, values).fetchone()
    return Redemption(standing.from_row(row[:-4]), *row[-4:]) if row else None
