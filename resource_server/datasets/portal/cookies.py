"""The portal's cookies: the session, the browser secret of a sign-in, a notice for the next page; all sealed."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from resource_server.datasets.portal.portal import Portal
from resource_server.datasets.portal.session import Session

SESSION, SIGN_IN, NOTICE = "portal", "portal-sign-in", "portal-notice"
_DAY = 86_400  # seconds


def session(portal: Portal) -> Session | None:
    """The session of this browser; any cookie that is not one of ours is none."""
    secret = _read(portal, SESSION).get("secret")
    return portal.sessions.find(secret) if secret else None


def keep_session(portal: Portal, answer: Response, started: Session) -> None:
    """Give the browser the secret of a session that has just begun."""
    _write(portal, answer, SESSION, {"secret": started.secret}, started.expires_at.timestamp())


def end_session(portal: Portal) -> None:
    """Remove the row that this browser's cookie names, if there is one."""
    if secret := _read(portal, SESSION).get("secret"):
        portal.sessions.end(secret)


def forget_session(portal: Portal, answer: Response) -> None:
    """Take the cookie away; what ends a session is the row's end."""
    _delete(portal, answer, SESSION)


def browser(portal: Portal) -> str | None:
    """The secret that binds a sign-in to this browser."""
    return _read(portal, SIGN_IN).get("secret")


def keep_browser(portal: Portal, answer: Response, secret: str) -> None:
    """Set it, for as long as the browser is open."""
    _write(portal, answer, SIGN_IN, {"secret": secret}, portal.service.clock() + _DAY)


def notice(portal: Portal) -> dict[str, Any] | None:
    """What the page before this one wants to be said."""
    return _read(portal, NOTICE) or None


def keep_notice(portal: Portal, answer: Response, kind: str, title: str, text: str) -> None:
    """Have the next page say it."""
    said = {"kind": kind, "title": title, "text": text}
    _write(portal, answer, NOTICE, said, portal.service.clock() + 60)


def forget_notice(portal: Portal, answer: Response) -> None:
    """It was said."""
    _delete(portal, answer, NOTICE)


def _read(portal: Portal, name: str) -> dict[str, Any]:
    text = request.cookies.get(portal.cookie(name))
    return (text and portal.seal.open(name, text)) or {}


def _write(portal: Portal, answer: Response, name: str, payload: dict[str, Any], expires_at: float) -> None:
    answer.set_cookie(
        portal.cookie(name),
        portal.seal.seal(name, payload, expires_at=expires_at),
        secure=not portal.service.settings.development,
        httponly=True,
        samesite="Lax",
    )


def _delete(portal: Portal, answer: Response, name: str) -> None:
    secure = not portal.service.settings.development
    answer.delete_cookie(portal.cookie(name), secure=secure, httponly=True, samesite="Lax")
