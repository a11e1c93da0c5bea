"""The pages for people whose device showed them a code: enter it, and what became of it; between lies the sign-in."""

from flask import Blueprint, abort

from consent_ui.device.code import code
from consent_ui.device.done import done
from consent_ui.guard import guard
from idp.oauth.decoupled import user_codes


def _refuse_where_off() -> None:
    if not user_codes.accepted():
        abort(404)


blueprint = guard(Blueprint("device", __name__, url_prefix="/device"))
blueprint.before_request(_refuse_where_off)
blueprint.add_url_rule("", "code", code, methods=["GET", "POST"])
blueprint.add_url_rule("/done", "done", done, methods=["GET"])
