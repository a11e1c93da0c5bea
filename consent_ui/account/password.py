"""Change the password: the one that counts now, and the new one."""

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from consent_ui.forms import ChangePasswordForm
from consent_ui.pages import render
from consent_ui.words import minutes
from idp.accounts import account
from idp.accounts.login import Throttled, WrongPassword, authenticate
from idp.accounts.password_rules import Reason, WeakPassword
from idp.context import settings
from idp.oauth import interaction
from idp.passwords import UnusablePassword
from idp.sso import browser, session


def password() -> ResponseReturnValue:
    """The page; after a change the browser has a new session secret, and the others, unless it is unticked, have none.

    The current password is proved as at a sign-in, so guesses at it count in the same limits.
    """
    user = interaction.signed_in()
    if user is None:
        return interaction.start_page("account.password")
    form = ChangePasswordForm("password")
    if not form.is_submitted():
        return _page(form)
    if not form.validate():
        return _page(form, 400)
    try:
        proof = authenticate(
            user.username, form.current_password.data, address=request.remote_addr or "", device=browser.device()
        )
        stored = account.hashed_by_the_rules(proof.user_id, form.new_password.data)
    except WrongPassword:
        form.current_password.errors = [_("That is not your current password.")]
        return _page(form, 401)
    except Throttled as pause:
        return _paused(form, pause.retry_after)
    except (WeakPassword, UnusablePassword) as refusal:
        form.new_password.errors = [_why(refusal)]
        return _page(form, 400)
    renewed = session.start(proof)
    account.set_password(proof.user_id, stored)
    if form.end_others.data:
        session.end_others(renewed, session.Reason.PASSWORD_CHANGED)
    return redirect(url_for("account.overview", changed=""), 303)


def _page(form: ChangePasswordForm, status: int = 200) -> Response:
    user, shortest = interaction.signed_in(), settings().passwords.min_length
    return render("account/password", status, user=user, form=form, shortest=shortest)


def _paused(form: ChangePasswordForm, retry_after: int) -> Response:
    form.current_password.errors = [
        ngettext(
            "There were too many wrong passwords from your network. Try again in one minute.",
            "There were too many wrong passwords from your network. Try again in %(num)s minutes.",
            minutes(retry_after),
        )
    ]
    response = _page(form, 429)
    response.headers["Retry-After"] = str(retry_after)
    return response


def _why(refusal: WeakPassword | UnusablePassword) -> str:
    """What the person can do about it."""
    if isinstance(refusal, UnusablePassword):
        return str(_("It has characters that cannot be part of a password."))
    return str(
        {
            Reason.SHORT: _("It is too short."),
            Reason.COMMON: _("It is in the lists of stolen passwords, which attackers try first. Choose another one."),
            Reason.REPEATED: _("It repeats one short piece. Choose another one."),
            Reason.PERSONAL: _("It is little more than your user name or e-mail address. Choose another one."),
            Reason.PRODUCT: _("It is little more than the name of this service. Choose another one."),
        }[refusal.reason]
    )
