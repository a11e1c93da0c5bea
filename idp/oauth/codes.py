"""Authorization codes: a grant and its code begin in one statement, and one redemption sees `uses` = 1.

RFC 6749 §4.1.2: a code is used once. Of N requests that race, the row lock lets exactly one see 1; whoever sees more
ends the grant. A foreign client's attempt touches nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from idp import context, opaque
from idp.companies.company import named
from idp.db import db
from idp.grants import grant as grants
from idp.grants import standing
from idp.grants.grant import Answered, NewGrant
from idp.grants.standing import Standing
from idp.oauth.request import OAuthRequest
from idp.opaque import digest

_CODE = """
    INSERT INTO authorization_code (hash, grant_id, client_id, redirect_uri, code_challenge, nonce, dpop_jkt, uses,
                                    expires_at)
    SELECT %(code)s::bytea, id, client_id, %(redirect_uri)s, %(code_challenge)s, %(nonce)s, %(dpop_jkt)s, 0,
           %(code_expires_at)s
      FROM begun
"""

_BEGIN = grants.BEGIN + _CODE
_BEGIN_AND_READ = f"{grants.BEGIN}, handed_out AS ({_CODE}) {grants.READ}"

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


def begin(request: OAuthRequest, new: NewGrant) -> str:
    """Begin a grant with its code.

    Raises:
        Answered: the request that waited is gone.
    """
    code = opaque.make("ac")
    with db.hot() as cursor:
        if not cursor.execute(_BEGIN, new.values() | _values(request, code)).rowcount:
            raise Answered
    return code


def begin_and_read(request: OAuthRequest, new: NewGrant) -> tuple[str, Standing]:
    """The same, with what tokens may say of the grant at once."""
    code = opaque.make("ac")
    return code, grants.begun(_BEGIN_AND_READ, new.values() | _values(request, code))


def _values(request: OAuthRequest, code: str) -> dict[str, Any]:
    """What the code is bound to."""
    lifetime = timedelta(seconds=context.settings().tokens.code_ttl)
    bound = {name: request.payload.get(name) for name in ("redirect_uri", "nonce", "code_challenge", "dpop_jkt")}
    return {**bound, "code": digest(code), "code_expires_at": context.now() + lifetime}


def redeem(code: str, client_id: str, now: datetime) -> Redemption | None:
    """Count a use of the code; None if there is no such code for this client now.

    Counting comes before any check of PKCE or the redirect URI: a code that was presented wrongly is spent.
    """
    values = {"code": digest(code), "client": client_id, "now": now, "limit": standing.IN_A_TOKEN, **named(None)}
    with db.hot() as cursor:
        row = cursor.execute(_REDEEM, values).fetchone()
    return Redemption(standing.from_row(row[:-6]), *row[-6:]) if row else None
