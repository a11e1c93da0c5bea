"""`[[resource]]`."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from sqlalchemy import delete, select

from idp import audit
from idp.clients import client as clients
from idp.clients import detail_types, metadata, uris
from idp.clients.models import Resource
from idp.context import settings
from idp.db import db
from idp.declared.entries import Entry, Name, checked, key_of
from idp.declared.errors import Invalid
from idp.declared.listed import one_of
from idp.declared.thing import Change, Thing

KIND = "resource"


def _scopes(scopes: dict[str, str]) -> dict[str, str]:
    for scope in scopes:
        metadata.scope_token(scope)
        if scope in clients.DEFAULT_SCOPES or scope in clients.api_resource().scopes:
            raise ValueError(f"{scope} is a scope of the provider itself")
    return dict(sorted(scopes.items()))


class _Resource(Entry):
    uri: str
    name: Name
    scopes: Annotated[dict[str, Name], AfterValidator(_scopes)] = Field(default_factory=dict)
    clients: list[str] = Field(default_factory=list)
    access_token_typ: Literal["at+jwt", "JWT"] = "at+jwt"
    access_token_alg: Literal["ES256", "RS256"] = "ES256"
    authorization_details: dict[Name, str] = Field(default_factory=dict)


def parse(entry: Mapping[str, Any], directory: Path) -> Thing:
    """The resource server that an entry declares; its schema files lie relative to `directory`."""
    key = key_of(entry, "uri", KIND, _uri)
    found = checked(_Resource, {"name": key} | dict(entry), KIND, key)
    schemas = {name: _schema(text, directory, key, name) for name, text in found.authorization_details.items()}
    fields = found.model_dump(exclude={"uri"})
    return Thing(KIND, key, fields | {"clients": sorted(set(found.clients)), "authorization_details": schemas})


def read(keys: Collection[str] | None) -> Iterator[Thing]:
    """The resource servers that there are: those with these URIs, or all."""
    statement = select(Resource).order_by(Resource.uri)
    if keys is not None:
        statement = statement.where(one_of(Resource.uri, keys))
    for row in db.session.scalars(statement):
        yield Thing(KIND, row.uri, _fields(row))


def write(change: Change) -> None:
    """Make, change or remove the resource server."""
    verb = {"+": "created", "~": "changed", "-": "removed"}[change.op]
    audit.record(f"resource.{verb}", uri=change.key, fields=list(change.fields))
    if change.op == "-":
        db.session.execute(delete(Resource).where(Resource.uri == change.key))
    else:
        db.session.merge(Resource(uri=change.key, **change.thing.fields))
        db.session.flush()


def _uri(value: str) -> str:
    uris.web(value, development=settings().development)
    if value == clients.api_resource().uri:
        raise ValueError("this resource is built in")
    return value


def _schema(text: str, directory: Path, key: str, name: str) -> dict[str, Any]:
    """A JSON schema: the text itself where it begins with a brace, otherwise the file that it names."""
    try:
        found = json.loads(text if text.startswith("{") else (directory / text).read_text())
    except (OSError, ValueError, RecursionError):
        found = None
    field = f"authorization_details.{name}"
    if not isinstance(found, dict):
        raise Invalid("must name a file with a JSON schema, beside the declaration", kind=KIND, key=key, field=field)
    try:
        detail_types.check(found)
    except ValueError as error:
        raise Invalid(str(error), kind=KIND, key=key, field=field) from None
    return found


def _fields(row: Resource) -> dict[str, Any]:
    return {
        "name": row.name,
        "scopes": row.scopes,
        "clients": sorted(row.clients),
        "access_token_typ": row.access_token_typ,
        "access_token_alg": row.access_token_alg,
        "authorization_details": row.authorization_details,
    }
