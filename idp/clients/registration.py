"""Clients that register and manage themselves (RFC 7591, RFC 7592): who may, and what is kept of it.

Tokens are kept as digests. An initial access token admits so many registrations, and they belong to its company; a
registration access token is one client's own.
"""

import hmac
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update

from idp import audit, opaque, passwords
from idp.clients import client as clients
from idp.clients import secrets
from idp.clients.metadata import Metadata
from idp.clients.models import Client, InitialAccessToken
from idp.context import now
from idp.db import db

_COLUMNS = (
    "client_name", "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method", "scopes", "jwks",
    "profile",
)  # fmt: skip

_ADMITS = """
    SELECT EXISTS (
        SELECT FROM initial_access_token t LEFT JOIN company c ON c.id = t.company_id
         WHERE t.hash = %(hash)s AND t.uses_left > 0 AND t.expires_at > %(now)s AND c.disabled_at IS NULL
    )
"""


class NotAdmitted(Exception):
    """The token is unknown, over, or used up."""


@dataclass(frozen=True)
class Registered:
    """A client, and the secret that was made for it just now, if one was."""

    client: Client
    secret: str | None = None


def new_initial_access_token(company_id: UUID | None, *, uses: int, expires_at: datetime) -> str:
    """Make a token that admits to registration, in the caller's transaction; it is shown this once."""
    token = opaque.make("iat")
    row = InitialAccessToken(
        hash=opaque.digest(token), company_id=company_id, uses_left=uses, created_at=now(), expires_at=expires_at
    )
    db.session.add(row)
    audit.record("registration_token.created", company_id=company_id, uses=uses, expires_at=expires_at.isoformat())
    return token


def admits(token: str) -> bool:
    """Whether the initial access token could be used now; nothing is counted yet."""
    with db.hot() as cursor:
        row = cursor.execute(_ADMITS, {"hash": opaque.digest(token), "now": now()}).fetchone()
    return bool(row and row[0])


def register(metadata: Metadata, client_id: str, token: str | None) -> tuple[Registered, str]:
    """Make the client, and its registration access token.

    The transaction of the caller begins here, after the secret was hashed.

    Args:
        metadata: valid.
        client_id: new, from `new_client_id()`.
        token: an initial access token, which is used once; None where registration is open.

    Raises:
        NotAdmitted: the token is used up meanwhile.
        TemporarilyUnavailable: too many hashes at once.
    """
    made = _secret(metadata)
    company_id = _use(token) if token is not None else None
    registration_token = opaque.make("rat")
    row = Client(
        client_id=client_id,
        company_id=company_id,
        secret_hashes=[],
        created_at=now(),
        registration_token=opaque.digest(registration_token),
    )
    secret = _fill(row, metadata, made)
    db.session.add(row)
    audit.record("client.registered", client_id=client_id, company_id=company_id)
    return Registered(row, secret), registration_token


def new_client_id() -> str:
    """128 random bits that survive Basic and URLs unencoded."""
    return random.token_urlsafe(16)


def own(client_id: str, token: str) -> Client | None:
    """The client, if this is its registration access token; a declared or disabled client has none."""
    row = db.session.get(Client, client_id)
    if row is None or row.registration_token is None or row.disabled_at is not None:
        return None
    return row if hmac.compare_digest(row.registration_token, opaque.digest(token)) else None


def change(client_id: str, token: str, metadata: Metadata) -> Registered | None:
    """Replace all metadata (RFC 7592 §2.2); the secret stays while the client has use for one.

    None if this is not the client's token any more; otherwise as `register`.
    """
    made = _secret(metadata)
    row = own(client_id, token)
    if row is None:
        return None
    secret = _fill(row, metadata, made)
    audit.record("client.changed", client_id=row.client_id, company_id=row.company_id)
    clients.forget(row.client_id)
    return Registered(row, secret)


def remove(row: Client) -> None:
    """Delete the client with its grants, codes and consents (RFC 7592 §2.3)."""
    audit.record("client.deleted", client_id=row.client_id, company_id=row.company_id)
    db.session.execute(delete(Client).where(Client.client_id == row.client_id))
    clients.forget(row.client_id)


def metadata_of(row: Client) -> Metadata:
    """What the client registered."""
    columns = {name: getattr(row, name) for name in _COLUMNS}
    return Metadata(**columns, other=row.client_metadata)


def has_secret(hashes: list[str], secret: object) -> bool:
    """Whether this is one of the secrets with these hashes, at their price; hold no connection meanwhile."""
    if not isinstance(secret, str):
        return False
    with passwords.slot("clients"):
        return secrets.matches(secret, hashes)


def _use(token: str) -> UUID | None:
    statement = (
        update(InitialAccessToken)
        .where(InitialAccessToken.hash == opaque.digest(token))
        .where(InitialAccessToken.uses_left > 0, InitialAccessToken.expires_at > now())
        .values(uses_left=InitialAccessToken.uses_left - 1)
        .returning(InitialAccessToken.company_id)
    )
    row = db.session.execute(statement).one_or_none()
    if row is None:
        raise NotAdmitted
    company_id: UUID | None = row[0]
    return company_id


def _secret(metadata: Metadata) -> tuple[str, str] | None:
    """A secret and its hash, for a client that has use for one: before any transaction, since hashing takes long."""
    if not metadata.has_secret:
        return None
    with passwords.slot("clients"):
        return secrets.make()


def _fill(row: Client, metadata: Metadata, made: tuple[str, str] | None) -> str | None:
    """Write the metadata into the row, with the secret that was made if it has none; that secret, if it was needed."""
    values: Mapping[str, Any] = {name: getattr(metadata, name) for name in _COLUMNS}
    for name, value in values.items():
        setattr(row, name, value)
    row.client_metadata = metadata.other
    if made is None:
        row.secret_hashes = []
        return None
    if row.secret_hashes:
        return None
    secret, stored = made
    row.secret_hashes = [stored]
    return secret
