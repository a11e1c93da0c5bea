"""The single sign-on session: started by an authentication, found by its cookie, ended once and for all.

The cookie holds nothing but a secret. The row is the truth: what is ended there is ended, however many copies live.
"""

import enum
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import g, request
from sqlalchemy import text

from idp import audit, events
from idp.accounts import devices
from idp.accounts.login import Authentication
from idp.context import keys, now, settings
from idp.db import db, uuid7
from idp.events import EndedSession
from idp.opaque import digest
from idp.sso import cookie
from idp.sso.cookie import Cookie

_PURPOSE = "session"
_AGENT = 200  # characters of the User-Agent that are kept, for the owner's list of sessions


class Reason(enum.Enum):
    """Why a session ended, as its security event says."""

    SIGNED_OUT = "signed out"
    OTHER_ACCOUNT = "other account"
    PASSWORD_CHANGED = "password changed"
    USER_DISABLED = "user disabled"
    USER_REMOVED = "user removed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class SsoSession:
    """A signed-in browser; `id` is the claim `sid`."""

    id: UUID
    user_id: UUID
    sub: str
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime
    created_at: datetime


def current() -> SsoSession | None:
    """The session of this request's browser, if it is alive and its person may sign in; asked once a request."""
    if "sso_session" not in g:
        found = secret()
        g.sso_session = _find(found) if found else None
    session: SsoSession | None = g.sso_session
    return session


def secret() -> str | None:
    """What the cookie holds, or None for whatever we did not seal."""
    sealed = cookie.read(Cookie.SESSION)
    found = keys().open(_PURPOSE, sealed) if sealed else None
    return str(found["secret"]) if found else None


def start(authentication: Authentication) -> SsoSession:
    """Sign this browser in, with a new cookie; in one statement, so whatever follows in the request sees the session.

    The same person authenticating again keeps the session and so its `sid`; another person ends it.
    """
    made, at = secrets.token_urlsafe(32), now()
    ends_at = at + timedelta(seconds=settings().session.lifetime)
    values = {
        "hash": digest(made),
        "amr": list(authentication.amr),
        "acr": authentication.acr,
        "auth_time": authentication.auth_time,
        "seen_at": at,
        "ends_at": ends_at,
        "user_agent": request.user_agent.string[:_AGENT],
    }
    session = _renewed(authentication, values) or _created(authentication, values, at)
    g.sso_session = session
    cookie.put(Cookie.SESSION, keys().seal(_PURPOSE, {"secret": made}, expires_at=int(ends_at.timestamp())))
    device = devices.remember(cookie.read(Cookie.DEVICE), authentication.user_id)
    cookie.put(Cookie.DEVICE, device, max_age=int(devices.LIFETIME.total_seconds()))
    return session


def end(session: SsoSession, reason: Reason) -> None:
    """End this browser's session for every copy of its cookie, in the caller's transaction."""
    if db.session.execute(_END, {"session": session.id, "at": now()}).first():
        _tell([EndedSession(session.id, session.user_id)], reason)
    g.sso_session = None
    cookie.put(Cookie.SESSION, None)


def clients(session: SsoSession) -> list[str]:
    """The ids of the clients that took part, in the order in which they came."""
    with db.hot() as cursor:
        return [row[0] for row in cursor.execute(_CLIENTS, {"session": session.id})]


def end_all(user_id: UUID, reason: Reason) -> int:
    """End every session of a person, in the caller's transaction; how many that were."""
    found = db.session.execute(_END_ALL, {"user": user_id, "at": now()}).all()
    return _tell([EndedSession(*row) for row in found], reason)


def end_others(session: SsoSession, reason: Reason) -> int:
    """End every other session of the same person, in the caller's transaction; how many that were."""
    found = db.session.execute(_END_OTHERS, {"user": session.user_id, "kept": session.id, "at": now()}).all()
    return _tell([EndedSession(*row) for row in found], reason)


def end_expired(most: int) -> int:
    """End at most so many sessions whose time is over, in the caller's transaction; how many that were.

    An idle session is not over: its browser must sign in again, while the applications work on until its end.
    """
    found = db.session.execute(_END_EXPIRED, {"at": now(), "most": most}).all()
    return _tell([EndedSession(*row) for row in found], Reason.EXPIRED)


def _tell(ended: Sequence[EndedSession], reason: Reason) -> int:
    for session in ended:
        audit.record("session.ended", user_id=session.user_id, session=str(session.id), reason=reason.value)
    events.sessions_ended(ended)
    return len(ended)


_FIND = """
    SELECT s.id, s.user_id, u.sub, s.acr, s.amr, s.auth_time, s.created_at, s.seen_at < %(stale)s
      FROM sso_session s JOIN user_account u ON u.id = s.user_id
     WHERE s.hash = %(hash)s AND s.ended_at IS NULL AND s.ends_at > %(now)s AND s.seen_at > %(idle)s
       AND u.disabled_at IS NULL
"""
# Once a minute, and not as a CTE of the statement above: that would cost each request 27 µs, for a plan that it skips.
_TOUCH = "UPDATE sso_session SET seen_at = %(now)s WHERE id = %(id)s AND seen_at < %(stale)s"


def _find(secret: str) -> SsoSession | None:
    at = now()
    stale, idle = at - timedelta(minutes=1), at - timedelta(seconds=settings().session.idle)
    with db.hot() as cursor:
        row = cursor.execute(_FIND, {"hash": digest(secret), "now": at, "idle": idle, "stale": stale}).fetchone()
        if row and row[7]:
            cursor.execute(_TOUCH, {"id": row[0], "now": at, "stale": stale})
    if row is None:
        return None
    found, user_id, sub, acr, amr, auth_time, created_at, _ = row
    return SsoSession(found, user_id, sub, acr, tuple(amr), auth_time, created_at)


_RENEW = f"""
    WITH renewed AS (
        UPDATE sso_session
           SET hash = %(hash)s, amr = %(amr)s, acr = %(acr)s, auth_time = %(auth_time)s, seen_at = %(seen_at)s,
               ends_at = %(ends_at)s, user_agent = %(user_agent)s
         WHERE id = %(id)s AND ended_at IS NULL
        RETURNING id
    ), told AS ({audit.EVENT} WHERE EXISTS (SELECT FROM renewed))
    SELECT FROM renewed
"""  # noqa: S608 - constants
_CREATE = f"""
    WITH told AS ({audit.EVENT})
    INSERT INTO sso_session (id, user_id, hash, amr, acr, auth_time, created_at, seen_at, ends_at, user_agent)
    VALUES (%(id)s, %(user_id)s, %(hash)s, %(amr)s, %(acr)s, %(auth_time)s, %(seen_at)s, %(seen_at)s, %(ends_at)s,
            %(user_agent)s)
"""  # noqa: S608 - constants
_END = text("UPDATE sso_session SET ended_at = :at WHERE id = :session AND ended_at IS NULL RETURNING id")
_CLIENTS = "SELECT client_id FROM session_client WHERE session_id = %(session)s ORDER BY since, client_id"
_END_ALL = text("""
    UPDATE sso_session SET ended_at = :at WHERE user_id = :user AND ended_at IS NULL AND ends_at > :at
    RETURNING id, user_id
""")
_END_OTHERS = text("""
    UPDATE sso_session SET ended_at = :at WHERE user_id = :user AND id <> :kept AND ended_at IS NULL AND ends_at > :at
    RETURNING id, user_id
""")
_END_EXPIRED = text("""
    UPDATE sso_session SET ended_at = ends_at WHERE ended_at IS NULL AND id = ANY(ARRAY(
        SELECT id FROM sso_session WHERE ended_at IS NULL AND ends_at <= :at LIMIT :most FOR UPDATE SKIP LOCKED))
    RETURNING id, user_id
""")


def _renewed(authentication: Authentication, values: dict[str, Any]) -> SsoSession | None:
    """The session that this browser has, if it is the same person's and was not ended meanwhile."""
    before = current()
    if before is None:
        return None
    if before.user_id != authentication.user_id:
        with db.transaction():
            end(before, Reason.OTHER_ACCOUNT)
        return None
    event = audit.values("session.renewed", user_id=before.user_id, session=str(before.id))
    with db.hot() as cursor:
        renewed = cursor.execute(_RENEW, {"id": before.id, **values, **event}).rowcount
    return _of(before.id, authentication, before.created_at) if renewed else None


def _created(authentication: Authentication, values: dict[str, Any], at: datetime) -> SsoSession:
    session = _of(uuid7(), authentication, at)
    event = audit.values("session.created", user_id=session.user_id, session=str(session.id))
    with db.hot() as cursor:
        cursor.execute(_CREATE, {"id": session.id, "user_id": session.user_id, **values, **event})
    return session


def _of(id: UUID, by: Authentication, created_at: datetime) -> SsoSession:  # noqa: A002 - the column's name
    return SsoSession(id, by.user_id, by.sub, by.acr, by.amr, by.auth_time, created_at)
