"""Delete what is over, by its index on the time of its end, in batches that hold no lock for long."""

from datetime import timedelta
from typing import Any

from psycopg.sql import SQL, Identifier

from idp.context import now
from idp.db import db
from idp.sso import session

BATCH = 1_000  # rows

# Table, column, and for how long after that moment somebody may still ask for the row.
_OVER = (
    ("authorization_request", "expires_at", timedelta(0)),
    ("authorization_code", "expires_at", timedelta(days=1)),  # a late replay still ends the grant
    ("decoupled_authorization", "expires_at", timedelta(hours=1)),  # a client that polls late learns why
    ("replay", "expires_at", timedelta(0)),
    ("initial_access_token", "expires_at", timedelta(0)),
    ("revoked_token", "expires_at", timedelta(minutes=5)),  # clocks of resource servers differ
    ("attempt", "bucket", timedelta(days=2)),  # the longest window of the limits is a day
    ("sso_session", "ends_at", timedelta(days=1)),
    ("outbox", "failed_at", timedelta(days=30)),  # for whoever looks into what did not arrive
    ("oauth_grant", "expires_at", timedelta(days=1)),  # its last access token ends later than its refresh token
)

_DELETE = """
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM {table} WHERE {column} < %(before)s LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    ))
"""


def work() -> dict[str, Any]:
    """End the sessions whose time is over, then delete every row that is; returns how many by table, without zeros."""
    ended = _end_sessions()
    deleted = {table: _sweep(table, column, kept) for table, column, kept in _OVER}
    return {what: rows for what, rows in {"ended sessions": ended, **deleted}.items() if rows}


def _end_sessions() -> int:
    """Before their rows go, so that whoever must be told is."""
    ended = 0
    while True:
        with db.transaction():
            rows = session.end_expired(BATCH)
        ended += rows
        if rows < BATCH:
            return ended


def _sweep(table: str, column: str, kept: timedelta) -> int:
    statement = SQL(_DELETE).format(table=Identifier(table), column=Identifier(column)).as_string()
    before, deleted = now() - kept, 0
    while True:
        with db.hot() as cursor:
            rows = cursor.execute(statement, {"before": before, "batch": BATCH}).rowcount
        deleted += rows
        if rows < BATCH:
            return deleted
