"""Switch to another company without signing in again; and sign out."""

from authlib.oauth2 import OAuth2Error
from flask import Blueprint
from flask.typing import ResponseReturnValue

from resource_server import Unavailable
from resource_server.datasets.portal import access, door, form, pages
from resource_server.datasets.portal.guard import person
from resource_server.datasets.portal.portal import current_portal

blueprint = Blueprint("companies", __name__)


@blueprint.get("/company")
def choose() -> ResponseReturnValue:
    """The companies that the IdP names for this person."""
    about = person().about
    try:
        found, more = current_portal().idp.companies(about.refresh_token, company=about.company_id)
    except OAuth2Error as error:
        raise Unavailable(f"the token endpoint answered {error.error}") from error
    return pages.page("companies", companies=found, more=more)


@blueprint.post("/company")
def switch() -> ResponseReturnValue:
    """Tokens for another company; where its rules ask for the person, the IdP asks them."""
    company = form.text("company")
    try:
        session = access.renewed(current_portal(), person().session, company or None)
    except access.NeedsPerson as needed:
        return door.sign_in(company=needed.company)
    return pages.done("portal.listing.datasets", f"You work in {session.signed_in.company_name} now.")


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Here and at the IdP."""
    return door.sign_out(person().about.id_token)
