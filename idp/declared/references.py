"""What things say of each other: every name that is mentioned exists once the plan is carried out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from idp.accounts.models import User
from idp.clients import client as clients
from idp.clients.models import Client, Resource
from idp.companies.models import Company
from idp.db import db
from idp.declared import users
from idp.declared.errors import Invalid
from idp.declared.listed import one_of, one_of_folded
from idp.declared.thing import Thing

State = Mapping[str, Sequence[Thing]]  # by kind

_COLUMNS: Mapping[str, Any] = {
    "company": Company.slug,
    "resource": Resource.uri,
    "client": Client.client_id,
}


def check(wanted: State, removed: Mapping[str, Collection[str]]) -> None:
    """Refuse a key that is declared twice, a name that does not exist, and an address that two people prove.

    Args:
        wanted: everything that is declared.
        removed: keys that the same plan removes, by kind.

    Raises:
        Invalid: of the first one.
    """
    for things in wanted.values():
        _refuse_twice(things)
    mentions = [mention for things in wanted.values() for thing in things for mention in _mentions(thing)]
    for kind in ("company", "resource", "client"):
        named = {name for _thing, _field, mentioned, name in mentions if mentioned == kind}
        missing = named - {thing.key for thing in wanted[kind]} - _existing(kind, named) | named & set(removed[kind])
        for thing, field, mentioned, name in mentions:
            if mentioned == kind and name in missing:
                sentence = f"{name} does not exist: declare it as a [[{kind}]]"
                raise Invalid(sentence, kind=thing.kind, key=thing.key, field=field)
    _refuse_same_address(wanted["user"], removed["user"])
    _refuse_same_username(wanted["user"], removed["user"])


def _mentions(thing: Thing) -> Iterator[tuple[Thing, str, str, str]]:
    """Who mentions, in which field, a thing of which kind, by which key."""
    if thing.kind == "user":
        for slug in thing.fields["companies"]:
            yield thing, "companies", "company", slug
    if thing.kind == "resource":
        for client_id in thing.fields["clients"]:
            yield thing, "clients", "client", client_id
    if thing.kind == "client":
        if thing.fields["company"]:
            yield thing, "company", "company", thing.fields["company"]
        for uri in thing.fields["resources"]:
            if uri != clients.api_resource().uri:
                yield thing, "resources", "resource", uri


def _existing(kind: str, keys: Collection[str]) -> set[str]:
    column = _COLUMNS[kind]
    return set(db.session.scalars(select(column).where(one_of(column, keys)))) if keys else set()


def _refuse_twice(things: Sequence[Thing]) -> None:
    seen: set[str] = set()
    for thing in things:
        if thing.key in seen:
            raise Invalid("is declared twice", kind=thing.kind, key=thing.key)
        seen.add(thing.key)


def _refuse_same_address(things: Sequence[Thing], removed: Collection[str]) -> None:
    proved = [thing for thing in things if thing.fields["email_verified"]]
    owners = users.owners_of([thing.fields["email"] for thing in proved])
    declared = {thing.key for thing in things}
    taken = {email: name for email, name in owners.items() if name not in declared and name not in removed}
    for thing in proved:
        owner = taken.setdefault(thing.fields["email"].lower(), thing.key)
        if owner != thing.key:
            raise Invalid(f"is the verified address of {owner} too", kind="user", key=thing.key, field="email")


def _refuse_same_username(things: Sequence[Thing], removed: Collection[str]) -> None:
    found = db.session.scalars(select(User.username).where(one_of_folded(User.username, [each.key for each in things])))
    taken = {name.lower(): name for name in found if name not in removed}
    for thing in things:
        if (owner := taken.setdefault(thing.key.lower(), thing.key)) != thing.key:
            raise Invalid(f"differs from {owner} only in case", kind="user", key=thing.key, field="username")
