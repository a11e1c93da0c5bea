"""What clients ask a user elsewhere, as that user sees it in the own account: to look at, to allow or not (CIBA §8)."""

import flask
from flask import url_for

from idp.oauth import server
from idp.oauth.decoupled import elsewhere, rows
from idp.oauth.decoupled.rows import Decoupled, Pending
from idp.sso.session import SsoSession

GRANT_TYPE = "urn:openid:params:grant-type:ciba"
_PAGE = "account.approvals"


def accepted() -> bool:
    """Whether clients can ask here at all."""
    return GRANT_TYPE in server.current().grant_types


def waiting_for(session: SsoSession) -> list[Pending]:
    """What waits for this person, the newest first."""
    return rows.of_user(session.user_id)


def review(session: SsoSession, id: str) -> flask.Response:  # noqa: A002 - the form's word
    """On to the company and the question whether the client may have what it wants."""
    pending = _find(session, id)
    if pending is None:
        return _back("over")
    handle = elsewhere.open_here(pending, _about(session, pending))
    return flask.Response(status=303, headers={"Location": url_for("signin.consent", handle=handle)})


def deny(session: SsoSession, id: str) -> flask.Response:  # noqa: A002
    """Say no without a closer look."""
    pending = _find(session, id)
    who = {"user_id": session.user_id, "client_id": pending.client_id if pending else None}
    denied = pending and rows.deny(_about(session, pending), **who)
    return _back("denied" if denied else "over")


def _find(session: SsoSession, id: str) -> Pending | None:  # noqa: A002
    """The request, if it waits for this person."""
    return next((each for each in waiting_for(session) if each.id == id), None)


def _about(session: SsoSession, pending: Pending) -> Decoupled:
    return Decoupled(pending.hash, "ciba", _PAGE, message=pending.message, sub=session.sub)


def _back(outcome: str) -> flask.Response:
    return flask.Response(status=303, headers={"Location": url_for(_PAGE, outcome=outcome)})
