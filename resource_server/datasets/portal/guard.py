"""Before every page: an origin that is ours, a session, and with a POST the token that only our pages hold."""

import hmac
from dataclasses import dataclass
from typing import Final, cast

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden as ForbiddenRequest

from resource_server import Principal
from resource_server.datasets import content
from resource_server.datasets.portal import access, cookies, door, pages
from resource_server.datasets.portal.portal import current_portal
from resource_server.datasets.portal.session import Session, SignedIn

_FORM: Final = 64 * 1024  # bytes of a form besides a file
_PARTS: Final = 8  # fields of a form with a file
_OURS: Final = frozenset({"same-origin", "none"})  # Sec-Fetch-Site; `none`: the person's own reload of a POST


class Foreign(ForbiddenRequest):
    """A POST that none of our pages sent."""


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
    """Let the request through, or answer it: first its origin, then its session, then its token."""
    if request.blueprint == "portal.door":
        return None
    portal = current_portal()
    posted = request.method == "POST"
    if posted:
        _refuse_foreign(portal.service.settings.public_url)
    session = cookies.session(portal)
    if session is None:
        return pages.ended() if posted else door.sign_in(back_to=_here())
    token = portal.seal.mac("csrf", session.secret)
    if posted:
        _refuse_forged(token)
    try:
        session, principal = access.granted(portal, session)
    except access.Ended:
        cookies.end_session(portal)
        return pages.ended() if posted else door.sign_in(back_to=_here())
    except access.NeedsPerson as needed:
        return door.sign_in(back_to=None if posted else _here(), company=needed.company)
    g.portal_person = Person(session, principal, token)
    return None


def person() -> Person:
    """Who is signed in; every page behind `guarded` has somebody."""
    return cast("Person", g.portal_person)


def _here() -> str:
    return request.full_path.rstrip("?")


def _refuse_foreign(ours: str) -> None:
    """What a browser says of a POST's origin must be us; `Origin: null` is not."""
    if request.headers.get("Origin", ours) != ours or request.headers.get("Sec-Fetch-Site", "none") not in _OURS:
        raise Foreign


def _refuse_forged(token: str) -> None:
    """The form's token must be this session's."""
    with_file = request.mimetype == "multipart/form-data"
    request.max_content_length = content.LIMIT + _FORM if with_file else _FORM
    request.max_form_memory_size, request.max_form_parts = _FORM, _PARTS
    given = request.form.getlist("csrf_token")
    if len(given) != 1 or not hmac.compare_digest(given[0].encode(), token.encode()):
        raise Foreign
