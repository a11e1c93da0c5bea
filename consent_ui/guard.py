"""What stands before and after every view of the pages: same origin in, protective headers out, and the way back."""

from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Blueprint, Response, request

from consent_ui.forms import Stale
from consent_ui.pages import protect, render
from idp.oauth.interaction import Lost
from idp.sso import csrf


def guard(blueprint: Blueprint) -> Blueprint:
    """Put the checks around a blueprint's views."""
    blueprint.before_request(refuse_foreign)
    blueprint.after_request(protect)
    blueprint.after_request(keep_language)
    blueprint.register_error_handler(Lost, start_again)
    blueprint.register_error_handler(Stale, start_again)
    return blueprint


def refuse_foreign() -> Response | None:
    """Where a browser says what a POST comes from, it must be us; `Origin: null` is not."""
    if request.method != "POST" or csrf.same_origin():
        return None
    csrf.refused("origin")
    return render("foreign", 403)


def keep_language(response: Response) -> Response:
    """Who chose a language in the menu keeps it on our next page; a client's address stays untouched."""
    chosen, target = request.args.get("ui_locales"), urlsplit(response.location or "")
    if chosen and not target.netloc and target.path.startswith(("/signin/", "/account", "/device")):
        query = {**parse_qs(target.query, keep_blank_values=True), "ui_locales": chosen}
        response.location = f"{target.path}?{urlencode(query, doseq=True)}"
    return response


def start_again(_problem: Exception) -> Response:
    """The page is too old, or another browser's or person's: nothing was done, and nothing can be mended here."""
    return render("start_again", 400)
