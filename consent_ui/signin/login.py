"""Say who you are."""

from flask import Response, request
from flask_babel import gettext as _

from consent_ui import words
from consent_ui.forms import ActForm, LoginForm, PasswordForm
from consent_ui.pages import render
from consent_ui.signin.waiting import waiting
from idp.accounts.login import Throttled, WrongPassword, authenticate
from idp.oauth import interaction
from idp.oauth.interaction import Interaction
from idp.sso import browser


def login(handle: str) -> Response:
    """Name and password on one page, as password managers like it; the password alone for a person who is known."""
    asked = waiting(handle, "login")
    form = _form(asked)
    if not form.is_submitted():
        return _page(asked, form)
    if not form.validate():
        return _page(asked, form, 400)
    name = asked.user.username if asked.reauthenticate and asked.user else form.identifier.data
    try:
        proof = authenticate(name, form.password.data, address=request.remote_addr or "", device=browser.device())
    except WrongPassword:
        form.password.errors = [
            _("That password does not match this account. Check the name, Caps Lock and the keyboard language.")
        ]
        return _page(asked, form, 401)
    except Throttled as pause:
        return _paused(asked, pause.retry_after)
    return interaction.login(asked, proof)


def other_account(handle: str) -> Response:
    """Answer to "Not you?": forget who is signed in here, and ask again."""
    asked = waiting(handle)
    ActForm(f"other:{handle}").validate()
    return interaction.other_account(asked)


def _form(asked: Interaction) -> LoginForm | PasswordForm:
    purpose = f"login:{asked.handle}"
    if asked.reauthenticate and asked.user:
        return PasswordForm(purpose)
    return LoginForm(purpose, identifier=asked.login_hint or "")


def _page(asked: Interaction, form: LoginForm | PasswordForm, status: int = 200) -> Response:
    other = ActForm(f"other:{asked.handle}") if asked.reauthenticate else None
    # The one image of somebody else's, on the one page where people decide whom they trust.
    logo = words.web(asked.client.logo_uri) if asked.client else None
    images = [logo] if logo else []
    return render("signin/login", status, images=images, interaction=asked, form=form, other=other)


def _paused(asked: Interaction, retry_after: int) -> Response:
    response = render("signin/paused", 429, interaction=asked, retry_after=retry_after)
    response.headers["Retry-After"] = str(retry_after)
    return response
