"""Access tokens that ended before their time (RFC 7009 §2): the few that have a row."""

from datetime import UTC, datetime

from idp.db import db

_REVOKE = """
    INSERT INTO revoked_token (jti, expires_at) VALUES (%(jti)s, %(expires_at)s) ON CONFLICT DO NOTHING
"""

# A client's own token has no grant: only this, and its company, can end it.
_LIVES = """
    SELECT NOT EXISTS (SELECT FROM revoked_token WHERE jti = %(jti)s)
       AND NOT EXISTS (SELECT FROM company WHERE id = %(company)s AND disabled_at IS NOT NULL)
"""


def revoke(jti: str, exp: int) -> None:
    """Remember the token as ended until it would have expired by itself (`exp`, seconds since the epoch)."""
    with db.hot() as cursor:
        cursor.execute(_REVOKE, {"jti": jti, "expires_at": datetime.fromtimestamp(exp, UTC)})


def lives(jti: str, company_id: str | None) -> bool:
    """Whether a client's own token still counts."""
    with db.hot() as cursor:
        row = cursor.execute(_LIVES, {"jti": jti, "company": company_id}).fetchone()
    return bool(row and row[0])
