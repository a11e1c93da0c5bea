"""Switch to another company without signing in again."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from resource_server.datasets.portal import access, form, pages
from resource_server.datasets.portal.guard import person
from resource_server.datasets.portal.portal import current_portal

blueprint = Blueprint("companies", __name__)


@blueprint.get("/company")
def choose() -> ResponseReturnValue:
    """The companies that the IdP names for this person."""
    found, more = access.companies(current_portal(), person().session)
    return pages.page("companies", companies=found, more=more)


@blueprint.post("/company")
def switch() -> ResponseReturnValue:
    """Tokens for another company; where its rules ask for the person, the IdP asks them."""
    session = access.renewed(current_portal(), person().session, form.text("company") or None)
    return pages.done("portal.listing.datasets", f"You work in {session.signed_in.company_name} now.")
