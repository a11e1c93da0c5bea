"""`[[company]]`."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator
from sqlalchemy import delete, select

from idp import audit
from idp.companies import company as companies
from idp.companies import policy
from idp.companies.models import Company
from idp.context import now
from idp.db import db
from idp.declared.entries import Entry, Name, checked, key_of
from idp.declared.listed import one_of
from idp.declared.thing import Change, Thing

KIND = "company"

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def _duration(text: str) -> str:
    if not _DURATION.fullmatch(text) or not 300 <= seconds(text) <= 30 * 86_400:
        raise ValueError("must be a time such as 12h: from 5m to 30d, in s, m, h or d")
    return duration(seconds(text))


class _Policy(Entry):
    walled: bool = False
    second_factor: bool = False
    max_session: Annotated[str, AfterValidator(_duration)] | None = None


class _Company(Entry):
    slug: str
    name: Name
    disabled: bool = False
    policy: _Policy = _Policy()


def parse(entry: Mapping[str, Any]) -> Thing:
    """The company that an entry declares."""
    key = key_of(entry, "slug", KIND, slug)
    found = checked(_Company, {"name": key} | dict(entry), KIND, key)
    rules = {name: value for name, value in found.policy.model_dump().items() if value}
    return _thing(key, found.name, disabled=found.disabled, policy=rules)


def warnings(companies: Iterable[Thing]) -> Iterator[str]:
    """What will not work as somebody may expect, in one line each."""
    for each in companies:
        if policy.second_factor(each.fields["policy"]):
            yield (
                f"[[company]] {each.key}: policy.second_factor: there are no second factors yet, so nobody can sign in"
                " for this company"
            )


def read(keys: Collection[str] | None) -> Iterator[Thing]:
    """The companies that there are: those with these keys, or all."""
    statement = select(Company).order_by(Company.slug)
    if keys is not None:
        statement = statement.where(one_of(Company.slug, keys))
    yield from map(_from_row, db.session.scalars(statement))


def write(change: Change) -> None:
    """Make, change or remove the company."""
    if change.op == "-":
        db.session.execute(delete(Company).where(Company.slug == change.key))
        audit.record("company.removed", slug=change.key)
        return
    wanted = change.thing.fields
    row = companies.find(change.key) or companies.create(change.key, wanted["name"])
    row.name = wanted["name"]
    row.policy = _stored(wanted["policy"])
    if wanted["disabled"] != (row.disabled_at is not None):
        row.disabled_at = now() if wanted["disabled"] else None
    db.session.flush()
    if change.op == "~":
        audit.record("company.changed", company_id=row.id, fields=list(change.fields))


def slug(value: str) -> str:
    """Check a slug."""
    if not _SLUG.fullmatch(value):
        raise ValueError("must be 1 to 63 small letters, digits and hyphens, and not begin with a hyphen")
    if _ID.fullmatch(value):
        raise ValueError("must not look like an id: `company=` takes either")
    return value


def seconds(text: str) -> int:
    """A time such as `12h`, in seconds."""
    return int(text[:-1]) * _SECONDS[text[-1]]


def duration(seconds: int) -> str:
    """Seconds in the largest unit that divides them."""
    unit = next(unit for unit, size in _SECONDS.items() if seconds % size == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def _from_row(row: Company) -> Thing:
    rules = {name: value for name, value in row.policy.items() if value}
    if "max_session" in rules:
        rules["max_session"] = duration(rules["max_session"])
    return _thing(row.slug, row.name, disabled=row.disabled_at is not None, policy=rules)


def _stored(rules: Mapping[str, Any]) -> dict[str, Any]:
    return {name: seconds(value) if name == "max_session" else value for name, value in rules.items()}


def _thing(key: str, name: str, *, disabled: bool, policy: dict[str, Any]) -> Thing:
    return Thing(KIND, key, {"name": name, "policy": policy, "disabled": disabled})
