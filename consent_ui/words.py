"""How facts are said on a page: roles, scopes, names, times. The templates' filters."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit
from zlib import crc32

from babel.lists import format_list
from flask_babel import format_date, format_timedelta, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from idp.context import now

_MONTH = 30  # days

_ROLES = {"viewer": _l("Viewer"), "member": _l("Member"), "data_owner": _l("Data owner"), "admin": _l("Admin")}

# Scopes that every instance has. A resource's own are said in the words that it was declared with.
_SCOPES = {
    "openid": _l("Know that it is you"),
    "profile": _l("See your name and profile"),
    "email": _l("See your e-mail address"),
    "phone": _l("See your phone number"),
    "address": _l("See your postal address"),
    "companies": _l("Know which companies you work for, and your roles there"),
    "members:read": _l("See who the members of the company are"),
}
_ICONS = {
    "openid": "person",
    "profile": "person",
    "email": "mail",
    "phone": "phone",
    "address": "home",
    "companies": "building",
    "members:read": "people",
}


class _Scope(Protocol):
    """What a scope must have to be put into words."""

    @property
    def name(self) -> str:
        """As in the `scope` parameter."""

    @property
    def words(self) -> str | None:
        """As it was declared with its resource; the standard scopes have none."""

    @property
    def resource_name(self) -> str | None:
        """The resource server that it belongs to; None: the provider itself."""


def roles(names: Sequence[str]) -> str:
    """The roles as a list in the page's language; a role of the operator's own is its name, made readable."""
    said = [str(_ROLES.get(name) or name.replace("_", " ").capitalize()) for name in names]
    return format_list(said, style="unit", locale=get_locale())


def names(of: Sequence[str]) -> Markup:
    """Names as a list in the page's language."""
    return Markup(format_list([isolated(name) for name in of], locale=get_locale()))  # noqa: S704 - each is escaped


def scope_words(scope: _Scope) -> str:
    """What a client with this scope can do."""
    return str(_SCOPES.get(scope.name) or scope.words or scope.name)


def scope_icon(scope: _Scope) -> str:
    """The symbol beside it."""
    return _ICONS.get(scope.name, "database")


def by_resource(scopes: Sequence[_Scope]) -> list[tuple[str | None, list[_Scope]]]:
    """The scopes, those of one resource together: what holds for all of them is said once."""
    groups: dict[str, tuple[str | None, list[_Scope]]] = {}
    for scope in scopes:
        key = f"resource {scope.resource_name}" if scope.resource_name else f"scope {scope.name}"
        groups.setdefault(key, (scope.resource_name, []))[1].append(scope)
    return list(groups.values())


def initials(name: str) -> str:
    """At most two letters for a tile."""
    return "".join(word[0] for word in name.split()[:2]).upper()


def tint(name: str) -> str:
    """One of the six tile colours, always the same for the same name."""
    return "abcdef"[crc32(name.encode()) % 6]


def isolated(text: str) -> Markup:
    """A name that others wrote: its direction must not turn the sentence around it."""
    # An address may break after its @ before it breaks anywhere else.
    return Markup(f"<bdi>{str(escape(text)).replace('@', '@<wbr>')}</bdi>")  # noqa: S704 - escaped here


def host(uri: str) -> str:
    """Where a link leads, in short."""
    return urlsplit(uri).netloc


def web(uri: str | None) -> str | None:
    """The URI if a browser may follow it from our page, else None: `javascript:` has no place in a link."""
    return uri if uri and uri.startswith(("https://", "http://")) else None


def minutes(seconds: int) -> int:
    """Whole minutes, rounded up."""
    return -(-seconds // 60)


def ago(when: datetime) -> str:
    """How long ago, to the day; the date itself after a month. In UTC: nobody's time zone is known here."""
    days = (now().date() - when.date()).days
    if days <= 1:
        return str(_("yesterday") if days == 1 else _("today"))
    said: str = format_date(when, "long")
    if days < _MONTH:
        said = format_timedelta(timedelta(days=-days), granularity="day", threshold=_MONTH, add_direction=True)
    return said
