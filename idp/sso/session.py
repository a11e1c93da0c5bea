"""The single sign-on session: started by an authentication, found by its cookie, ended once and for all.

The cookie holds nothing but a secret. The row is the truth: what is ended there is ended, however many copies live.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import g, request
from sqlalchemy import insert, update

from idp import audit
from idp.accounts import devices
from idp.accounts.login import Authentication
from idp.context import keys, now, settings
from idp.db import db, uuid7
from idp.opaque import digest
from idp.sso import cookie
from idp.sso.cookie import Cookie
from idp.sso.models import Session

_PURPOSE = "session"
_AGENT = 200  # characters of the User-Agent that are kept, for the owner's list of sessions


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
    """Sign this browser in, with a new cookie; in the caller's transaction.

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


def end(session: SsoSession, reason: str) -> None:
    """End a session for every copy of its cookie, in the caller's transaction.

    Args:
        session: this browser's, or another one of the same person.
        reason: `logout`, `other account`, `administrator`.
    """
    alive = Session.id == session.id, Session.ended_at.is_(None)
    ended = db.session.execute(update(Session).where(*alive).values(ended_at=now()).returning(Session.id)).first()
    if ended:
        audit.record("session.ended", user_id=session.user_id, session=str(session.id), reason=reason)
    if session == current():
        g.sso_session = None
        cookie.put(Cookie.SESSION, None)


# `touched` writes at most once a minute; a statement that finds nothing to write costs what a read costs.
_FIND = """
    WITH found AS (
        SELECT s.id, s.user_id, u.sub, s.acr, s.amr, s.auth_time, s.created_at, s.seen_at
          FROM sso_session s JOIN user_account u ON u.id = s.user_id
         WHERE s.hash = %(hash)s AND s.ended_at IS NULL AND s.ends_at > %(now)s AND s.seen_at > %(idle)s
           AND u.disabled_at IS NULL
    ), touched AS (
        UPDATE sso_session SET seen_at = %(now)s FROM found
         WHERE sso_session.id = found.id AND found.seen_at < %(stale)s
    )
    SELECT id, user_id, sub, acr, amr, auth_time, created_at FROM found
"""


def _find(secret: str) -> SsoSession | None:
    at = now()
    asked = {
        "hash": digest(secret),
        "now": at,
        "idle": at - timedelta(seconds=settings().session.idle),
        "stale": at - timedelta(minutes=1),
    }
    with db.hot() as cursor:
        row = cursor.execute(_FIND, asked).fetchone()
    return _session(row) if row else None


def _session(row: Any) -> SsoSession:  # noqa: ANN401 - of psycopg or SQLAlchemy
    found, user_id, sub, acr, amr, auth_time, created_at = row
    return SsoSession(found, user_id, sub, acr, tuple(amr), auth_time, created_at)


def _renewed(authentication: Authentication, values: dict[str, Any]) -> SsoSession | None:
    """The session that this browser has, if it is the same person's and was not ended meanwhile."""
    before = current()
    if before is None:
        return None
    if before.user_id != authentication.user_id:
        end(before, "other account")
        return None
    alive = Session.id == before.id, Session.ended_at.is_(None)
    row = db.session.execute(update(Session).where(*alive).values(values).returning(Session.created_at)).first()
    if row is None:
        return None
    audit.record("session.renewed", user_id=before.user_id, session=str(before.id))
    return _of(before.id, authentication, row[0])


def _created(authentication: Authentication, values: dict[str, Any], at: datetime) -> SsoSession:
    row = {"id": uuid7(), "user_id": authentication.user_id, "created_at": at, **values}
    db.session.execute(insert(Session).values(row))
    audit.record("session.created", user_id=authentication.user_id, session=str(row["id"]))
    return _of(row["id"], authentication, at)


def _of(id: UUID, by: Authentication, created_at: datetime) -> SsoSession:  # noqa: A002 - the column's name
    return SsoSession(id, by.user_id, by.sub, by.acr, by.amr, by.auth_time, created_at)
