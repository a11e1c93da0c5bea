"""Authorization details (RFC 9396) in a request: read within bounds, judged by their types, said in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from idp.clients import client as clients
from idp.clients import detail_types
from idp.clients.detail_types import Line
from idp.clients.languages import localized
from idp.clients.metadata import DECEIVES
from idp.clients.models import Client, Resource
from idp.errors import OAuthError
from idp.grants.details import Detail, Details, canonical
from keys import BadToken, compact

_MOST = 4096  # characters of the parameter
_MOST_IN_A_TOKEN = 2048  # bytes; with the other claims an access token stays below 4 kB
_MOST_ENTRIES = 20
_LARGEST = 2**53 - 1  # beyond, readers of JSON disagree about a number (RFC 8259 §6), and schemas cannot divide it
_DEEPEST = 8  # levels, the list itself being the first


class InvalidAuthorizationDetails(OAuthError):
    """An entry is of an unknown type, does not match its type, or goes beyond what was granted (RFC 9396 §5, §8)."""

    error = "invalid_authorization_details"


@dataclass(frozen=True)
class DetailView:
    """An entry as a person should see it."""

    title: str
    description: str | None
    resources: tuple[str, ...]  # names of the resource servers that it is about
    lines: tuple[Line, ...]
    new: bool


def read(text: str) -> Details:
    """The entries of the parameter (RFC 9396 §2), whatever their types; small, shallow and printable.

    Raises:
        InvalidAuthorizationDetails: they are not.
    """
    if len(text) > _MOST:
        _refuse("authorization_details is too long")
    try:
        found = _plain(compact.value(text.encode()), 1)
    except (BadToken, UnicodeEncodeError):
        _refuse("authorization_details must be a JSON array without repeated names")
    if not isinstance(found, list) or not 1 <= len(found) <= _MOST_ENTRIES:
        _refuse(f"authorization_details must be a JSON array of 1 to {_MOST_ENTRIES} entries")
    if not all(isinstance(entry, dict) and isinstance(entry.get("type"), str) for entry in found):
        _refuse("each entry of authorization_details must be an object with a type")
    if len(canonical(found)) > _MOST_IN_A_TOKEN:
        _refuse("authorization_details would not fit into an access token")
    return tuple(found)


def judge(client: Client, details: Details) -> None:
    """Refuse what a client may not ask for, or what does not match its type (RFC 9396 §5).

    Raises:
        InvalidAuthorizationDetails: an unknown type, location or member, or a member that is missing or wrong.
    """
    registered = client.metadata_list("authorization_details_types")
    for number, entry in enumerate(details, 1):
        if registered and entry["type"] not in registered:
            _refuse(f"the client did not register the type of entry {number}")
        for resource in _declaring(client, entry, number):
            if wrong := detail_types.mismatch(resource.authorization_details[entry["type"]], entry):
                _refuse(f"entry {number} does not match its type", private=wrong)


def described(client: Client, details: Details, new: Details, languages: Sequence[str]) -> list[DetailView]:
    """The entries in words; `new` are those that the user has not allowed yet."""
    return [_view(_declaring(client, entry, 0), entry, entry in new, languages) for entry in details]


def _declaring(client: Client, entry: Detail, number: int) -> list[Resource]:
    """The resource servers that an entry is about: its locations, otherwise all of the client's that know the type."""
    located = entry.get("locations", client.resources)
    if not isinstance(located, list) or not all(isinstance(uri, str) for uri in located):
        _refuse(f"locations of entry {number} must be a list of URIs")
    if any(not clients.may_ask_for(client, uri) for uri in located):
        _refuse(f"a location of entry {number} is not registered for this client")
    found = [resource for uri in located if (resource := clients.resource(uri))]
    declaring = [resource for resource in found if entry["type"] in resource.authorization_details]
    if not declaring or ("locations" in entry and declaring != found):
        _refuse(f"the type of entry {number} is unknown")
    return declaring


def _view(resources: list[Resource], entry: Detail, new: bool, languages: Sequence[str]) -> DetailView:
    schema = resources[0].authorization_details[entry["type"]]
    return DetailView(
        title=detail_types.title(schema, entry["type"], languages),
        description=localized(schema, "description", languages),
        resources=tuple(resource.name for resource in resources),
        lines=tuple(detail_types.lines(schema, entry, languages)),
        new=new,
    )


def _plain(value: Any, level: int) -> Any:  # noqa: ANN401 - any JSON value
    """The value with one spelling of each number, as the database keeps it."""
    if level > _DEEPEST:
        _refuse("authorization_details is nested too deeply")
    if isinstance(value, list):
        return [_plain(each, level + 1) for each in value]
    if isinstance(value, dict):
        return {_plain(name, level + 1): _plain(each, level + 1) for name, each in value.items()}
    if isinstance(value, str) and DECEIVES.search(value):
        _refuse("authorization_details must not contain control characters")
    if isinstance(value, int | float) and not abs(value) <= _LARGEST:
        _refuse("a number in authorization_details is too large")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _refuse(sentence: str, *, private: str = "") -> NoReturn:
    raise InvalidAuthorizationDetails(sentence, private=private)
