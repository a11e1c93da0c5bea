"""The pages of an interaction: sign in, choose a company, consent. They never route to each other, but through it."""

from flask import Blueprint

from consent_ui.guard import guard
from consent_ui.signin.company import company
from consent_ui.signin.consent import consent
from consent_ui.signin.login import login, other_account

blueprint = guard(Blueprint("signin", __name__, url_prefix="/signin"))
blueprint.add_url_rule("/<handle>", "login", login, methods=["GET", "POST"])
blueprint.add_url_rule("/<handle>/company", "company", company, methods=["GET", "POST"])
blueprint.add_url_rule("/<handle>/consent", "consent", consent, methods=["GET", "POST"])
blueprint.add_url_rule("/<handle>/other-account", "other_account", other_account, methods=["POST"])
