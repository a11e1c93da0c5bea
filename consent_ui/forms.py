"""Every form of the pages, with its messages."""

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import ImmutableMultiDict
from wtforms import BooleanField, PasswordField, StringField
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length

from idp.sso import csrf


class Stale(Exception):
    """The CSRF token is missing, expired, or made for another browser, person or form."""


class BoundToken(CSRF):  # type: ignore[misc]
    """A token bound to the browser's secret or session, the person, and the form's purpose (its name and handle)."""

    def setup_form(self, form: "PageForm") -> list[tuple[str, Any]]:
        """Remember what the token is for."""
        self.purpose: str = form.meta.csrf_context
        fields: list[tuple[str, Any]] = super().setup_form(form)
        return fields

    def generate_csrf_token(self, csrf_token_field: CSRFTokenField) -> str:
        """Make the token that the form carries."""
        return csrf.token(self.purpose)

    def validate_csrf_token(self, form: "PageForm", field: CSRFTokenField) -> None:
        """Stop here rather than report beside a field: nothing that the person types could mend it."""
        if not csrf.valid(field.data or "", self.purpose):
            csrf.refused("token")
            raise Stale


class PageForm(FlaskForm):  # type: ignore[misc]
    """A form that is posted back to its page."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """Flask-WTF's own token would write a readable session cookie; its JSON and file input has no use here."""

        csrf = True
        csrf_class = BoundToken

        def wrap_formdata(self, form: "PageForm", formdata: object) -> ImmutableMultiDict[str, str] | None:
            """The body's form fields, and nothing else."""
            return request.form if form.is_submitted() else None

    def __init__(self, purpose: str, **values: object) -> None:
        super().__init__(meta={"csrf_context": purpose}, data=values)

    @property
    def mistakes(self) -> list[Any]:
        """The fields that have an error, in their order on the page."""
        return [field for field in self if field.errors]


class LoginForm(PageForm):
    """Who you are, and the password."""

    identifier = StringField(
        _l("Work e-mail or user name"),
        [
            DataRequired(_l("Enter your work e-mail or user name.")),
            Length(max=254, message=_l("That is too long for an e-mail address or a user name.")),
        ],
        filters=[lambda text: text and text.strip()],
    )
    password = PasswordField(
        _l("Password"),
        [
            InputRequired(_l("Enter your password.")),
            Length(max=1000, message=_l("A password has at most 1,000 characters.")),
        ],
    )


class PasswordForm(PageForm):
    """The password alone: we know who you are."""

    password = LoginForm.password


class ChangePasswordForm(PageForm):
    """The password that counts now, and the new one; what makes a good one is not the form's business."""

    current_password = PasswordField(
        _l("Current password"),
        [
            InputRequired(_l("Enter your current password.")),
            Length(max=1000, message=_l("A password has at most 1,000 characters.")),
        ],
    )
    new_password = PasswordField(
        _l("New password"),
        [
            InputRequired(_l("Enter a new password.")),
            Length(max=1000, message=_l("A password has at most 1,000 characters.")),
        ],
    )
    end_others = BooleanField(_l("Sign out everywhere else"), default=True)


class CompanyForm(PageForm):
    """Which company; each choice is a button."""

    company = StringField(validators=[InputRequired(_l("Choose a company.")), Length(max=64)])


class ConsentForm(PageForm):
    """Allow or not; each is a button."""

    decision = StringField(validators=[AnyOf(("allow", "deny"))])


class StopForm(PageForm):
    """Which application may not act any longer; each is a button."""

    client_id = StringField(validators=[InputRequired(), Length(max=255)])


class ApprovalForm(PageForm):
    """Which request, and what to do about it; each is a button."""

    id = StringField(validators=[InputRequired(), Length(max=64)])
    decision = StringField(validators=[AnyOf(("review", "deny"))])


class CodeForm(PageForm):
    """The code that a device shows; how it is spelt is not the form's business."""

    user_code = StringField(
        _l("Code"),
        [InputRequired(_l("Enter the code.")), Length(max=40, message=_l("A code has eight letters."))],
    )


class ActForm(PageForm):
    """A button that needs no answer."""
