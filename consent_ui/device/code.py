"""Enter the code that a device shows."""

from flask import Response, request
from flask_babel import gettext as _
from flask_babel import ngettext

from consent_ui.forms import CodeForm
from consent_ui.pages import render
from consent_ui.words import minutes
from idp.errors import TooManyRequests
from idp.oauth.decoupled import user_codes
from idp.oauth.decoupled.user_codes import WrongCode


def code() -> Response:
    """One field; a link from the device fills it in, and changes nothing by itself (RFC 8628 §3.3.1)."""
    form = CodeForm("device", user_code=request.args.get("user_code", "")[:40])
    if not form.is_submitted():
        return _page(form)
    if not form.validate():
        return _page(form, 400)
    try:
        return user_codes.enter(form.user_code.data)
    except WrongCode:
        form.user_code.errors = [_("That code is not right or has run out. Enter the one that your device shows now.")]
        return _page(form, 400)
    except TooManyRequests as pause:
        return _paused(form, pause.retry_after)


def _paused(form: CodeForm, retry_after: int) -> Response:
    form.user_code.errors = [
        ngettext(
            "There were too many wrong codes. Try again in one minute, with a new code.",
            "There were too many wrong codes. Try again in %(num)s minutes, with a new code.",
            minutes(retry_after),
        )
    ]
    response = _page(form, 429)
    response.headers["Retry-After"] = str(retry_after)
    return response


def _page(form: CodeForm, status: int = 200) -> Response:
    return render("device/code", status, form=form)
