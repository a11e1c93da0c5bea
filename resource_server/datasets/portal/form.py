"""What comes in from a form or the address bar: each field at most once, its mistakes in words beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any, Final, get_args

from flask import request
from pydantic import AfterValidator, TypeAdapter, ValidationError
from werkzeug.exceptions import BadRequest

from resource_server.datasets.names import Description, Name, seen
from resource_server.datasets.portal.words import day
from resource_server.policy import Access, Mode

_NAME: Final[TypeAdapter[str]] = TypeAdapter(Name)
_SEEN: Final[TypeAdapter[str]] = TypeAdapter(Annotated[str, AfterValidator(seen)])
_DESCRIPTION: Final[TypeAdapter[str]] = TypeAdapter(Description)
_LAST: Final = date(9998, 12, 31)


@dataclass(frozen=True)
class Form:
    """A form that was sent, or one that is still empty: what was typed, and what is wrong with it."""

    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)  # field -> sentence

    @property
    def good(self) -> bool:
        """Nothing is wrong."""
        return not self.errors

    def but(self, **errors: str) -> "Form":
        """The same with mistakes that only the service can know, before those that the form itself has."""
        return Form(self.values, {**errors, **self.errors})


def text(name: str, default: str = "") -> str:
    """A field of the form.

    Raises:
        BadRequest: it is repeated.
    """
    return _one(request.form.getlist(name), default)


def asked(name: str, default: str = "", choices: tuple[str, ...] = ()) -> str:
    """A parameter of the address, one of `choices` where there are some.

    Raises:
        BadRequest: it is repeated, or none of them.
    """
    value = _one(request.args.getlist(name), default)
    if choices and value not in choices:
        raise BadRequest
    return value


def choice(name: str, default: str, kind: Any) -> Any:  # noqa: ANN401  (a Literal, and one of its words)
    """A field with fixed choices; another value comes from none of our pages."""
    value = text(name, default)
    if value not in get_args(kind):
        raise BadRequest
    return value


def details() -> Form:
    """Name and description of a dataset."""
    # Browsers send line ends as CR LF; a description keeps the LF.
    values = {"name": text("name").strip(), "description": text("description").replace("\r\n", "\n").strip()}
    errors = {}
    if not _fits(_SEEN, values["name"]):
        errors["name"] = "Enter a name"
    elif not _fits(_NAME, values["name"]):
        errors["name"] = "Use at most 200 letters, on one line and without control characters"
    if not _fits(_DESCRIPTION, values["description"]):
        errors["description"] = "Use at most 2,000 letters, without control characters"
    return Form(values, errors)


def new_dataset() -> Form:
    """The same, with who may read it."""
    form = details()
    return Form({**form.values, "mode": choice("mode", "company", Mode)}, form.errors)


def share(today: date) -> Form:
    """Who gets what access until when; no date means 90 days from today."""
    user, access = text("user").strip(), choice("access", "read", Access)
    values = {"user": user, "access": access, "end": text("end").strip()}
    errors = {}
    if not user:
        errors["user"] = "Enter the user name or e-mail of a colleague"
    last = _day(values["end"]) if values["end"] else today + timedelta(days=90)
    if last is None:
        errors["end"] = "Enter a date such as 2027-02-22"
    elif last < today:
        errors["end"] = f"The end cannot be before today, {day(today)}"
    return Form({**values, "last": last}, errors)


def _day(given: str) -> date | None:
    try:
        found = date.fromisoformat(given)
    except ValueError:
        return None
    return found if found <= _LAST else None


def _fits(rule: TypeAdapter[str], value: str) -> bool:
    try:
        rule.validate_python(value)
    except ValidationError:
        return False
    return True


def _one(values: list[str], default: str) -> str:
    if len(values) > 1:
        raise BadRequest
    return values[0] if values else default
