"""The pages of the provider: words and forms, no protocol.

    pages      a page's name and facts -> an answer with its headers; `render` is what the provider itself uses
    guard      before and after each view: same origin, headers, "Start again"
    forms      every form, its messages, and our CSRF token
    words      roles, scopes, names and times as people say them
    languages  which language a page speaks
    assets     static files under addresses that change with their content
    signin/    the pages of an interaction, at /signin/<handle>
    account/   the person's own page, at /account, to which / leads
    device/    enter the code that a device shows, at /device

A page gets an `Interaction` and calls one of its acts; it never sees a redirect URI, a code or a token, and has no SQL.
`create_app(settings, consent_ui)` takes `blueprints`, `locales` and `render`; the app's config has `UI_NAME` and
`PUBLIC_HOST`.
"""

from typing import cast

from flask import Blueprint, Flask, redirect, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from consent_ui import account, assets, device, languages, pages, signin
from consent_ui.pages import render


def _start(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    languages.start(app)
    pages.start(app)


def _home() -> ResponseReturnValue:
    """Whoever opens the provider itself wants to see their account."""
    return redirect(url_for("account.overview"), 303)


_ui = Blueprint("ui", __name__, template_folder="templates")
_ui.add_url_rule("/static/<release>/<name>", "static_file", assets.static_file, methods=["GET"])
_ui.add_url_rule("/", "home", _home, methods=["GET"])
_ui.record_once(_start)

blueprints: tuple[Blueprint, ...] = (_ui, signin.blueprint, account.blueprint, device.blueprint)

locales = tuple(languages.LANGUAGES)

__all__ = ["blueprints", "locales", "render"]
