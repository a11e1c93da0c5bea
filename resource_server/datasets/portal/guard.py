"""Before every page: an origin that is ours, a session, the token of our forms, and an access token that is good."""

from dataclasses import dataclass
from typing import cast

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from resource_server import Principal
from resource_server.datasets.portal import access, cookies, forgery, pages
from resource_server.datasets.portal.access import Ended
from resource_server.datasets.portal.portal import current_portal
from resource_server.datasets.portal.session import Session, SignedIn


@dataclass(frozen=True)
class Person:
    """Who is asking for this page."""

    session: Session
    principal: Principal  # of the access token, checked
    csrf_token: str

    @property
    def about(self) -> SignedIn:
        """Name, company, tokens."""
        return self.session.signed_in


def guarded(blueprint: Blueprint) -> Blueprint:
    """Put the checks around a blueprint's pages."""
    blueprint.before_request(admit)
    blueprint.after_request(pages.protect)
    return blueprint


def admit() -> ResponseReturnValue | None:
    """Let the request through, or raise what stands against it; the door looks after itself."""
    if request.blueprint == "portal.door":
        return None
    portal, posted = current_portal(), request.method == "POST"
    if posted:
        forgery.refuse_foreign(portal)
    session = cookies.session(portal)
    if session is None:
        raise Ended
    if posted:
        forgery.refuse_forged(portal, session)
    session, principal = access.granted(portal, session)
    g.portal_person = Person(session, principal, forgery.token(portal, session))
    return None


def person() -> Person:
    """Who is signed in; every page behind `guarded` has somebody."""
    return cast("Person", g.portal_person)
