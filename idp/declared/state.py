"""Apply a declaration, and export the state as one: read, check, plan and write in one transaction."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from idp import passwords
from idp.clients import client as cache
from idp.db import db
from idp.declared import clients, companies, document, references, resources, thing, toml, users
from idp.declared.document import KINDS
from idp.declared.errors import Invalid
from idp.declared.models import Declared
from idp.declared.thing import Change, Thing

_READ: Mapping[str, Callable[[list[str] | None], Iterator[Thing]]] = {
    "company": companies.read,
    "user": users.read,
    "resource": resources.read,
    "client": clients.read,
}


@dataclass(frozen=True)
class Applied:
    """What changed, or would change, and of what is declared will not work yet.

    `secrets` are those that were made for clients, to be shown this once.
    """

    changes: list[Change]
    secrets: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def apply(
    text: str,
    values: Mapping[str, str],
    *,
    directory: Path = Path(),
    prune: bool = False,
    plan: bool = False,
) -> Applied:
    """Make the database what the declaration says, all of it or, on any error, nothing.

    Args:
        text: the TOML document.
        values: what `${NAME}` stands for.
        directory: where the schema files that it names lie.
        prune: remove what was declared before and is not any more.
        plan: only say what would change.

    Raises:
        Invalid: with the table, key and field.
    """
    wanted = _parse(document.read(text, values), directory)
    try:
        with db.transaction():
            # Two declarations at once would plan against each other's past.
            db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("idp apply", 0))))
            applied = _planned(wanted, prune=prune)
            if plan:
                db.session.rollback()
                return replace(applied, secrets={})
            _write(applied.changes)
            _remember(wanted, applied.changes)
    except IntegrityError as error:
        raise Invalid(f"the database refuses: {_constraint(error)} does not hold") from None
    cache.forget_all()
    return applied


def export() -> Iterator[str]:
    """The whole state as a declaration, piece by piece, with hashes instead of secrets; applying it changes nothing."""
    return toml.document(_exported(each) for kind in KINDS for each in _READ[kind](None))


def _parse(entries: Mapping[str, list[dict[str, Any]]], directory: Path) -> dict[str, list[Thing]]:
    supported = clients.supported()
    parse: dict[str, Callable[[Mapping[str, Any]], Thing]] = {
        "company": companies.parse,
        "user": users.parse,
        "resource": lambda entry: resources.parse(entry, directory),
        "client": lambda entry: clients.parse(entry, supported),
    }
    return {kind: [parse[kind](entry) for entry in entries[kind]] for kind in KINDS}


def _planned(wanted: dict[str, list[Thing]], *, prune: bool) -> Applied:
    unwanted = {kind: _no_longer_declared(kind, wanted[kind]) if prune else {} for kind in KINDS}
    references.check(wanted, unwanted)
    changes: list[Change] = []
    secrets: dict[str, str] = {}
    for kind in KINDS:
        current = _current(kind, [each.key for each in wanted[kind]])
        things = wanted[kind]
        if kind == clients.KIND:
            things, secrets = _with_secrets(things, current)
        changes += thing.plan(things, current)
    # What needs others goes first.
    for kind in reversed(KINDS):
        changes += thing.removals(unwanted[kind])
    return Applied(changes, secrets, tuple(companies.warnings(wanted[companies.KIND])))


def _current(kind: str, keys: list[str]) -> dict[str, Thing]:
    return {each.key: each for each in _READ[kind](keys)}


def _with_secrets(things: list[Thing], current: Mapping[str, Thing]) -> tuple[list[Thing], dict[str, str]]:
    settled = {each.key: clients.with_secret(each, current.get(each.key)) for each in things}
    return [each for each, _ in settled.values()], {key: made for key, (_, made) in settled.items() if made}


def _no_longer_declared(kind: str, wanted: list[Thing]) -> dict[str, Thing]:
    declared = set(db.session.scalars(select(Declared.key).where(Declared.kind == kind)))
    return _current(kind, sorted(declared - {each.key for each in wanted}))


def _write(changes: list[Change]) -> None:
    hashes = _hashes(changes)
    write: dict[str, Callable[[Change], None]] = {
        "company": companies.write,
        "user": lambda change: users.write(change, hashes),
        "resource": resources.write,
        "client": clients.write,
    }
    for change in changes:
        write[change.kind](change)


def _hashes(changes: list[Change]) -> dict[str, str]:
    """The hash of every password of a user who is made, computed on all processors: each takes a fifth of a second."""
    given = [change.thing.once["password"] for change in changes if (change.op, change.kind) == ("+", users.KIND)]
    chosen, cost = sorted({password for password in given if password}), passwords.cost()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(lambda password: passwords.make(passwords.normal(password), cost), chosen)
        return dict(zip(chosen, made, strict=True))


def _remember(wanted: Mapping[str, list[Thing]], changes: list[Change]) -> None:
    rows = [{"kind": kind, "key": each.key} for kind, things in wanted.items() for each in things]
    if rows:
        db.session.execute(insert(Declared).on_conflict_do_nothing(), rows)
    for change in changes:
        if change.op == "-":
            db.session.execute(delete(Declared).where(Declared.kind == change.kind, Declared.key == change.key))


def _exported(each: Thing) -> Thing:
    """As the file writes it: hashes under the name of a hash, schemas as JSON."""
    fields = dict(each.fields)
    if each.kind == clients.KIND:
        hashes = fields.pop(clients.SECRET)
        if hashes:
            fields["client_secret_hash"] = hashes[0] if len(hashes) == 1 else hashes
    if each.kind == resources.KIND:
        schemas = fields["authorization_details"]
        fields["authorization_details"] = {name: json.dumps(schema) for name, schema in schemas.items()}
    if each.kind == users.KIND:
        fields["companies"] = dict(_shortened(fields["companies"]))
    return replace(each, fields=fields)


def _shortened(memberships: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for slug, membership in memberships.items():
        yield slug, membership if membership["suspended"] else membership["roles"]


def _constraint(error: IntegrityError) -> str:
    diagnostics = getattr(error.orig, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or "a constraint"
