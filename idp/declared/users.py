"""`[[user]]`, with the companies that the user belongs to."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field
from sqlalchemy import delete, func, select

from idp import audit, passwords
from idp.accounts import account
from idp.accounts.models import User
from idp.clients import uris
from idp.companies import company as companies
from idp.companies.models import Company, Member
from idp.context import now, settings
from idp.db import db
from idp.declared.entries import Entry, Name, Roles, checked, key_of
from idp.declared.errors import Invalid
from idp.declared.listed import one_of, one_of_folded
from idp.declared.thing import Change, Thing
from idp.sso import session

KIND = "user"

_AT_ONCE = 500  # users in memory while all are read

_BIRTHDATE = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?")
_LINES = re.compile(r"[^\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]{1,500}")


def _page(value: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{1,1990}", value):
        raise ValueError("must be an https: URL")
    # Unlike what a client registers, a page may be a part of one.
    uris.web(value.partition("#")[0], development=settings().development)
    return value


def _birthdate(value: str) -> str:
    if not _BIRTHDATE.fullmatch(value):
        raise ValueError("must be YYYY-MM-DD or YYYY (OpenID Connect Core §5.1)")
    return value


def _lines(value: str) -> str:
    if not _LINES.fullmatch(value):
        raise ValueError("must be 1 to 500 characters without controls but for line ends")
    return value


Page = Annotated[str, AfterValidator(_page)]
Lines = Annotated[str, AfterValidator(_lines)]


class _Address(Entry):
    """OpenID Connect Core §5.1.1."""

    formatted: Lines | None = None
    street_address: Lines | None = None
    locality: Name | None = None
    region: Name | None = None
    postal_code: Name | None = None
    country: Name | None = None


class _Claims(Entry):
    """The standard claims of OpenID Connect Core §5.1 that have no column."""

    name: Name | None = None
    given_name: Name | None = None
    family_name: Name | None = None
    middle_name: Name | None = None
    nickname: Name | None = None
    preferred_username: Name | None = None
    profile: Page | None = None
    picture: Page | None = None
    website: Page | None = None
    gender: Name | None = None
    birthdate: Annotated[str, AfterValidator(_birthdate)] | None = None
    zoneinfo: Name | None = None
    locale: Name | None = None
    phone_number: Name | None = None
    phone_number_verified: bool | None = None
    address: _Address | None = None


class _Membership(Entry):
    roles: Roles
    suspended: bool = False


def _spelt_out(value: Any) -> Any:  # noqa: ANN401 - any TOML value
    return {"roles": value} if isinstance(value, list) else value


def _subject(value: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", value):
        raise ValueError("must be 1 to 255 printable ASCII characters (OpenID Connect Core §2)")
    return value


def _password(value: str) -> str:
    passwords.normal(value)
    return value


def _password_hash(value: str) -> str:
    passwords.parse(value)
    return value


class _User(_Claims):
    username: str
    email: Annotated[str, AfterValidator(account.valid_email)] | None = None
    email_verified: bool = False
    password: Annotated[str, AfterValidator(_password)] | None = None
    password_hash: Annotated[str, AfterValidator(_password_hash)] | None = None
    sub: Annotated[str, AfterValidator(_subject)] | None = None
    companies: dict[str, Annotated[_Membership, BeforeValidator(_spelt_out)]] = Field(default_factory=dict)
    operator: bool = False
    disabled: bool = False


def parse(entry: Mapping[str, Any]) -> Thing:
    """The user that an entry declares."""
    key = key_of(entry, "username", KIND, account.valid_username)
    found = checked(_User, entry, KIND, key)
    if found.password and found.password_hash:
        raise Invalid("give either password or password_hash", kind=KIND, key=key, field="password")
    if found.email_verified and not found.email:
        raise Invalid("needs an email", kind=KIND, key=key, field="email_verified")
    claims = found.model_dump(include=set(_Claims.model_fields), exclude_none=True)
    fields = {
        "email": found.email,
        "email_verified": found.email_verified,
        **claims,
        "companies": {slug: membership.model_dump() for slug, membership in found.companies.items()},
        "operator": found.operator,
        "disabled": found.disabled,
    }
    once = {"sub": found.sub, "password": found.password, "password_hash": found.password_hash}
    return Thing(KIND, key, fields, once)


def read(keys: Collection[str] | None) -> Iterator[Thing]:
    """The users that there are, with their companies: those with these names, or all, some hundreds at a time."""
    statement = select(User).order_by(User.username).execution_options(yield_per=_AT_ONCE)
    if keys is not None:
        # The index is on the folded name, and names that differ in case alone cannot both exist.
        statement = statement.where(one_of_folded(User.username, keys), one_of(User.username, keys))
    for users in db.session.scalars(statement).partitions():
        belongs = _memberships([user.id for user in users])
        yield from (_from_row(user, belongs.get(user.id, {})) for user in users)


def _memberships(user_ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    statement = select(Member.user_id, Company.slug, Member.roles, Member.suspended_at).join(Company)
    found: dict[UUID, dict[str, Any]] = {}
    for user_id, slug, roles, suspended_at in db.session.execute(
        statement.where(Member.user_id.in_(user_ids)).order_by(Company.slug)
    ):
        found.setdefault(user_id, {})[slug] = {"roles": sorted(roles), "suspended": suspended_at is not None}
    return found


def owners_of(emails: Collection[str]) -> dict[str, str]:
    """Who has proved one of the addresses: address in small letters -> username."""
    statement = select(func.lower(User.email), User.username).where(
        User.email_verified_at.is_not(None), one_of_folded(User.email, emails)
    )
    return dict(db.session.execute(statement).all())


def write(change: Change, hashes: Mapping[str, str]) -> None:
    """Make, change or remove the user; `hashes` has the hash of each password that was declared in the clear."""
    if change.op == "-":
        row = _row(change.key)
        session.end_all(row.id, session.Reason.USER_REMOVED)
        db.session.execute(delete(User).where(User.id == row.id))
        audit.record("user.removed", user_id=row.id)
        return
    row = _create(change.thing, hashes) if change.op == "+" else _update(change)
    if change.thing.fields["disabled"]:
        account.disable(row)
        session.end_all(row.id, session.Reason.USER_DISABLED)
    else:
        account.enable(row)
    _belong(row, change.thing.fields["companies"])


def _create(thing: Thing, hashes: Mapping[str, str]) -> User:
    password = thing.once["password"]
    return account.create(
        thing.key,
        email=thing.fields["email"],
        email_verified=thing.fields["email_verified"],
        claims=_claims(thing),
        password_hash=hashes[password] if password else thing.once["password_hash"],
        sub=thing.once["sub"],
        operator=thing.fields["operator"],
    )


def _update(change: Change) -> User:
    row, wanted = _row(change.key), change.thing.fields
    if set(change.fields) <= {"companies", "disabled"}:
        return row
    if "email" in change.fields or "email_verified" in change.fields:
        row.email = wanted["email"]
        row.email_verified_at = now() if wanted["email_verified"] else None
    row.claims = _claims(change.thing)
    row.operator = wanted["operator"]
    row.updated_at = now()
    db.session.flush()
    audit.record("user.changed", user_id=row.id, fields=list(change.fields))
    return row


def _belong(user: User, wanted: Mapping[str, Any]) -> None:
    """Make the user's memberships those of the map; one that stays the same keeps its version."""
    statement = select(Company.slug, Member).join(Company).where(Member.user_id == user.id)
    current = dict(db.session.execute(statement).all())
    for slug in current.keys() - wanted.keys():
        companies.remove(current[slug])
    for slug, asked in wanted.items():
        membership = current.get(slug)
        if membership is None:
            membership = companies.join(_company_id(slug), user.id, asked["roles"])
        companies.change(membership, roles=asked["roles"], suspended=asked["suspended"])


def _company_id(slug: str) -> UUID:
    return db.session.scalars(select(Company.id).where(Company.slug == slug)).one()


def _row(username: str) -> User:
    named = func.lower(User.username) == func.lower(username), User.username == username
    return db.session.scalars(select(User).where(*named)).one()


def _claims(thing: Thing) -> dict[str, Any]:
    return {name: thing.fields[name] for name in _Claims.model_fields if name in thing.fields}


def _from_row(row: User, belongs: dict[str, Any]) -> Thing:
    fields = {
        "email": row.email,
        "email_verified": row.email_verified_at is not None,
        **{name: row.claims[name] for name in _Claims.model_fields if name in row.claims},
        "companies": belongs,
        "operator": row.operator,
        "disabled": row.disabled_at is not None,
    }
    return Thing(KIND, row.username, fields, {"sub": row.sub, "password_hash": row.password})
