"""Clients and resource servers as the protocol sees them: read at most once in ten seconds by a process.

A request for a token asks for the same row each time, so every process keeps what it read for a short while. Absence is
never kept: a client that was made a moment ago works at once, everywhere. A disabled one stops within ten seconds.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from idp.clients.models import Client, Resource
from idp.companies.models import Company
from idp.context import now, settings
from idp.db import db

# What a client without `scope` may ask for (RFC 7591 §2 leaves the default to the server).
DEFAULT_SCOPES = frozenset({"openid", "profile", "email", "address", "phone", "offline_access", "companies"})

_FRESH = timedelta(seconds=10)
_MOST = 10_000  # entries of one kind; beyond, all are forgotten, which costs one statement each

T = TypeVar("T")


class _Recent(Generic[T]):
    """What was read, by key and with the time of reading; nothing that was not found."""

    def __init__(self, read: Callable[[str], T | None]) -> None:
        self._read = read
        self._found: dict[str, tuple[datetime, T]] = {}

    def get(self, key: str) -> T | None:
        time = now()
        found = self._found.get(key)
        # A clock that was set back must not keep an entry longer.
        if found and timedelta(0) <= time - found[0] < _FRESH:
            return found[1]
        value = self._read(key)
        if value is None:
            self.forget(key)
            return None
        if len(self._found) >= _MOST:
            self._found.clear()
        self._found[key] = (time, value)
        return value

    def forget(self, key: str) -> None:
        self._found.pop(key, None)


class _Cache:
    """One for each application, so that two in one process share nothing."""

    def __init__(self) -> None:
        self.clients = _Recent(_read_client)
        self.resources = _Recent(_read_resource)
        self.resources_of = _Recent(_read_resources_of)
        self.api = _api_resource()


def find(client_id: str) -> Client | None:
    """The client, detached from any session and shared between requests: read it, never change it.

    Disabled ones come too; `disabled_at` is set as well while the company that owns the client is disabled.
    """
    return _cache().clients.get(client_id)


def forget(client_id: str) -> None:
    """Read the client again next time: after a change in this process, or once after a failed authentication."""
    _cache().clients.forget(client_id)
    _cache().resources_of.forget(client_id)


def forget_all() -> None:
    """Read everything again next time: after a declaration was applied in this process."""
    current_app.extensions.pop("idp.clients", None)


def resource(uri: str) -> Resource | None:
    """The resource server with this audience, detached; the provider's own API is one of them."""
    return api_resource() if uri == _api_uri() else _cache().resources.get(uri)


def resources_of(client_id: str) -> frozenset[str]:
    """The audiences of the resource servers as which the client acts."""
    return _cache().resources_of.get(client_id) or frozenset()


def detail_types() -> list[str]:
    """The types of authorization details that resource servers declared (RFC 9396 §10); read anew."""
    with db.hot() as cursor:
        rows = cursor.execute("SELECT DISTINCT jsonb_object_keys(authorization_details) FROM resource").fetchall()
    return sorted(name for (name,) in rows)


def api_resource() -> Resource:
    """The provider's own API under `/api`, an audience that every client may ask for; made once, read it only."""
    return _cache().api


def allowed_scopes(client: Client) -> frozenset[str]:
    """The scopes that the client may ask for: those it registered, otherwise every OpenID Connect scope."""
    return frozenset(client.scopes) or DEFAULT_SCOPES


def default_audience(client: Client) -> str:
    """The audience when none is named: the client's first resource, otherwise the provider itself."""
    return client.resources[0] if client.resources else settings().public_url


def may_ask_for(client: Client, uri: str) -> bool:
    """Whether tokens of the client may be for this audience (RFC 8707)."""
    return uri in client.resources or uri == _api_uri()


def _api_uri() -> str:
    return f"{settings().public_url}/api"


def _api_resource() -> Resource:
    return Resource(
        uri=_api_uri(),
        name=settings().ui.name,
        scopes={
            "companies": "See the companies you belong to, and your roles there",
            "members:read": "See the members of your company",
        },
        clients=[],
        access_token_typ="at+jwt",
        access_token_alg="ES256",
        authorization_details={},
    )


def _cache() -> _Cache:
    found = current_app.extensions.get("idp.clients")
    if not isinstance(found, _Cache):
        found = current_app.extensions["idp.clients"] = _Cache()
    return found


# Sessions of their own: what is shared between requests must not belong to the session of one of them.
def _read_client(client_id: str) -> Client | None:
    statement = select(Client, Company.disabled_at).outerjoin(Company).where(Client.client_id == client_id)
    with Session(db.engine) as session:
        row = session.execute(statement).one_or_none()
        session.expunge_all()
    if row is None:
        return None
    client, company_disabled_at = row
    client.disabled_at = client.disabled_at or company_disabled_at
    return client


def _read_resource(uri: str) -> Resource | None:
    with Session(db.engine) as session:
        found = session.get(Resource, uri)
        session.expunge_all()
    return found


def _read_resources_of(client_id: str) -> frozenset[str] | None:
    with Session(db.engine) as session:
        return frozenset(session.scalars(select(Resource.uri).where(Resource.clients.contains([client_id])))) or None
