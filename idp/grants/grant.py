"""Ending grants. They begin with their code (`idp.oauth.codes`), in one statement with it."""

from datetime import datetime
from uuid import UUID

from idp.db import db

_REVOKE = """
    UPDATE oauth_grant SET revoked_at = %(now)s, reason = %(reason)s
     WHERE id = %(grant)s AND client_id = %(client)s AND revoked_at IS NULL
    RETURNING user_id, company_id
"""


def revoke(grant_id: UUID, client_id: str, now: datetime, reason: str) -> tuple[UUID, UUID | None] | None:
    """End a grant of this client with all its tokens; its user and company, or None if nothing lived."""
    with db.hot() as cursor:
        return cursor.execute(
            _REVOKE, {"grant": grant_id, "client": client_id, "now": now, "reason": reason}
        ).fetchone()
