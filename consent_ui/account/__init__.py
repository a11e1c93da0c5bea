"""The person's own page: who they are, where they work, and what may act in their name."""

from flask import Blueprint

from consent_ui.account.approvals import approvals
from consent_ui.account.overview import overview, stop
from consent_ui.account.password import password
from consent_ui.guard import guard

blueprint = guard(Blueprint("account", __name__, url_prefix="/account"))
blueprint.add_url_rule("", "overview", overview, methods=["GET"])
blueprint.add_url_rule("/approvals", "approvals", approvals, methods=["GET", "POST"])
blueprint.add_url_rule("/password", "password", password, methods=["GET", "POST"])
blueprint.add_url_rule("/stop", "stop", stop, methods=["POST"])
