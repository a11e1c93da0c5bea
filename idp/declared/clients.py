"""`[[client]]`: the members of RFC 7591, and what only an operator may say of a client."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from sqlalchemy import delete, select
from sqlalchemy.orm import aliased

from idp import audit, passwords
from idp.clients import metadata, secrets
from idp.clients.metadata import InvalidMetadata, Metadata, Supported
from idp.clients.models import Client
from idp.companies.models import Company
from idp.context import now, settings
from idp.db import db
from idp.declared.entries import Entry, Roles, checked, key_of
from idp.declared.errors import Invalid
from idp.declared.listed import one_of
from idp.declared.thing import Change, Thing
from idp.oauth import extensions
from idp.oauth.extension import enabled
from idp.oauth.supported import supported_by

KIND = "client"
SECRET = "client_secret"  # the field that holds the hashes

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SECRET = re.compile(r"[\x20-\x7e]{1,255}")  # RFC 6749 appendix A.2
_CLAIM = re.compile(r"[A-Za-z0-9_:./#-]{1,100}")


def _secret(value: str) -> str:
    if not _SECRET.fullmatch(value):
        raise ValueError("must be 1 to 255 printable ASCII characters")
    return value


def _hashes(value: str | list[str]) -> list[str]:
    hashes = [value] if isinstance(value, str) else value
    if not 1 <= len(hashes) <= 2:
        raise ValueError("must be one hash, or two while a secret is being replaced")
    for each in hashes:
        passwords.parse(each)
    return hashes


def _claims(value: list[str]) -> list[str]:
    if not all(_CLAIM.fullmatch(each) for each in value):
        raise ValueError("must be a list of names of claims")
    return sorted(set(value))


def _each_once(value: list[str]) -> list[str]:
    if len(set(value)) != len(value):
        raise ValueError("must not name a resource twice")
    return value


class _Client(Entry):
    """What is not metadata of RFC 7591."""

    client_secret: Annotated[str, AfterValidator(_secret)] | None = None
    client_secret_hash: Annotated[str | list[str], AfterValidator(_hashes)] | None = None
    company: str | None = None
    roles: Roles = Field(default_factory=lambda: ["member"])
    resources: Annotated[list[str], AfterValidator(_each_once)] = Field(default_factory=list)
    consent: Literal["ask", "implied"] = "ask"
    require_pkce: bool = True
    id_token_claims: Annotated[list[str], AfterValidator(_claims)] = Field(default_factory=list)
    disabled: bool = False


def supported() -> Supported:
    """What the enabled extensions of this instance offer to clients."""
    return supported_by(enabled(extensions, settings()), settings())


def parse(entry: Mapping[str, Any], supported: Supported) -> Thing:
    """The client that an entry declares; its secret is settled later, by `with_secret`."""
    key = key_of(entry, "client_id", KIND, _client_id)
    ours = {name: value for name, value in entry.items() if name in _Client.model_fields}
    found = checked(_Client, ours, KIND, key)
    members = {name: value for name, value in entry.items() if name not in ours and name != "client_id"}
    try:
        valid = metadata.validate(members, supported, client_id=key)
    except InvalidMetadata as error:
        raise Invalid(error.sentence, kind=KIND, key=key, field=error.member) from None
    _agree(key, found, valid)
    own = found.model_dump(exclude={"client_secret", "client_secret_hash"})
    once = {"client_secret": found.client_secret, "client_secret_hash": found.client_secret_hash}
    return Thing(KIND, key, valid.members() | own, once)


def read(keys: Collection[str] | None) -> Iterator[Thing]:
    """The clients that there are: those with these ids, or all."""
    owner = aliased(Company)
    statement = select(Client, owner.slug).outerjoin(owner, owner.id == Client.company_id).order_by(Client.client_id)
    if keys is not None:
        statement = statement.where(one_of(Client.client_id, keys))
    for row, slug in db.session.execute(statement):
        yield Thing(KIND, row.client_id, _fields(row, slug))


def with_secret(thing: Thing, current: Thing | None) -> tuple[Thing, str | None]:
    """The thing with the hashes of its secret among its fields; and the secret, if it had to be made.

    A declared secret that is one of those stored changes nothing; another one replaces them all.
    """
    stored: list[str] = list(current.fields[SECRET]) if current else []
    hashes, made = stored, None
    declared: list[str] | None = thing.once["client_secret_hash"]
    chosen: str | None = thing.once["client_secret"]
    if not thing.fields["token_endpoint_auth_method"].startswith("client_secret"):
        hashes = []
    elif declared is not None:
        hashes = stored if len(declared) == 1 and declared[0] in stored else declared
    elif chosen is not None:
        hashes = stored if secrets.matches(chosen, stored) else [secrets.hashed(chosen)]
    elif not stored:
        made, made_hash = secrets.make()
        hashes = [made_hash]
    return replace(thing, fields={**thing.fields, SECRET: hashes}, once={}), made


def write(change: Change) -> None:
    """Make, change or remove the client."""
    verb = {"+": "created", "~": "changed", "-": "removed"}[change.op]
    audit.record(f"client.{verb}", client_id=change.key, fields=list(change.fields))
    if change.op == "-":
        db.session.execute(delete(Client).where(Client.client_id == change.key))
        return
    row = db.session.get(Client, change.key) or Client(client_id=change.key)
    _fill(row, change.thing.fields)
    db.session.add(row)
    db.session.flush()


def _client_id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("must be 1 to 128 of A-Z a-z 0-9 _ -")
    return value


def _agree(key: str, found: _Client, valid: Metadata) -> None:
    """What the two halves of an entry say of each other."""
    if found.client_secret and found.client_secret_hash:
        raise Invalid("give either client_secret or client_secret_hash", kind=KIND, key=key, field=SECRET)
    if valid.public and (found.client_secret or found.client_secret_hash):
        sentence = 'a client with token_endpoint_auth_method = "none" has no secret'
        raise Invalid(sentence, kind=KIND, key=key, field=SECRET)
    if valid.public and not found.require_pkce:
        raise Invalid("a public client always needs PKCE (RFC 9700 §2.1.1)", kind=KIND, key=key, field="require_pkce")


def _fields(row: Client, slug: str | None) -> dict[str, Any]:
    valid = Metadata(
        client_name=row.client_name,
        redirect_uris=row.redirect_uris,
        grant_types=row.grant_types,
        response_types=row.response_types,
        token_endpoint_auth_method=row.token_endpoint_auth_method,
        scopes=row.scopes,
        jwks=row.jwks,
        profile=row.profile,
        other=row.client_metadata,
    )
    return valid.members() | {
        "company": slug,
        "roles": row.roles,
        "resources": row.resources,
        "consent": row.consent,
        "require_pkce": row.require_pkce,
        "id_token_claims": row.id_token_claims,
        "disabled": row.disabled_at is not None,
        SECRET: row.secret_hashes,
    }


_OWN_COLUMNS = ("roles", "resources", "consent", "require_pkce", "id_token_claims")
_METADATA_COLUMNS = (
    "client_name",
    "redirect_uris",
    "grant_types",
    "response_types",
    "token_endpoint_auth_method",
    "jwks",
    "profile",
)


def _fill(row: Client, fields: Mapping[str, Any]) -> None:
    for name in (*_METADATA_COLUMNS, *_OWN_COLUMNS):
        setattr(row, name, fields[name])
    row.scopes = fields["scope"].split(" ") if fields["scope"] else []
    row.secret_hashes = fields[SECRET]
    elsewhere = {*_METADATA_COLUMNS, *_OWN_COLUMNS, "scope", SECRET, "company", "disabled"}
    row.client_metadata = {name: value for name, value in fields.items() if name not in elsewhere}
    row.company_id = None
    if fields["company"]:
        row.company_id = db.session.scalars(select(Company.id).where(Company.slug == fields["company"])).one()
    if fields["disabled"] != (row.disabled_at is not None):
        row.disabled_at = now() if fields["disabled"] else None
