"""The person's side of a decoupled authorization: a browser opens it, and the decision is kept for the client.

What lies between is the way of every authorization request: sign-in, company, consent.
"""

import flask
from flask import url_for

from idp.errors import OAuthError
from idp.grants.grant import NewGrant
from idp.oauth import waiting
from idp.oauth.decoupled import rows
from idp.oauth.decoupled.rows import Decoupled, Pending
from idp.oauth.request import OAuthRequest
from idp.sso import browser


def open_here(pending: Pending, about: Decoupled) -> str:
    """Let this browser's person decide; the handle of the authorization request that it became."""
    return waiting.store(
        {**pending.parameters, "client_id": [pending.client_id], **about.marks()},
        client_id=pending.client_id,
        source=rows.SOURCE,
        browser=browser.secret() or browser.renew(),
    )


def check(request: OAuthRequest) -> None:
    """The client asked at an endpoint that takes only those that may."""


def complete(request: OAuthRequest, new: NewGrant) -> flask.Response:
    """Begin the grant and let the client have it, unless it was decided or ran out meanwhile."""
    about = _about(request)
    return _afterwards(about, "approved" if rows.approve(about, new) else "over")


def deny(request: OAuthRequest) -> flask.Response:
    """The person said no, and the client hears it at its next poll."""
    about, learnt = _about(request), request.learnt
    if learnt.session is None:
        raise TypeError("nobody is signed in")
    who = {"user_id": learnt.session.user_id, "client_id": request.client.client_id}
    denied = rows.deny(about, company_id=learnt.company.company_id, **who)
    return _afterwards(about, "denied" if denied else "over")


def refuse(request: OAuthRequest, error: OAuthError) -> flask.Response:
    """A page: only the person's own answer is kept for the client."""
    raise error


def _about(request: OAuthRequest) -> Decoupled:
    if request.learnt.decoupled is None:
        raise TypeError("no decoupled authorization")
    return request.learnt.decoupled


def _afterwards(about: Decoupled, outcome: str) -> flask.Response:
    return flask.Response(status=303, headers={"Location": url_for(about.page, outcome=outcome)})
