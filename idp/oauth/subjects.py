"""By which name a client knows a user: the public `sub`, or one of its sector alone (OpenID Connect Core §8).

A pairwise name is random and has a row, made when it is first needed. So it survives every rotation of keys, tells
nothing to anybody, and is never given to somebody else. Access tokens carry the public name: resource servers share it.
"""

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from idp.clients import client as clients
from idp.clients.models import Client
from idp.db import db
from idp.oauth.claims import Claims

_FIND = """
    SELECT p.sub FROM pairwise_subject p JOIN user_account u ON u.id = p.user_id
     WHERE u.sub = %(sub)s AND p.sector = %(sector)s
"""

# Of two first tokens at once both get the name of the one that came first.
_MAKE = """
    INSERT INTO pairwise_subject (user_id, sector, sub)
    SELECT id, %(sector)s, %(name)s FROM user_account WHERE sub = %(sub)s
        ON CONFLICT (user_id, sector) DO UPDATE SET sector = excluded.sector
    RETURNING sub
"""

_PUBLIC = """
    SELECT u.sub FROM pairwise_subject p JOIN user_account u ON u.id = p.user_id
     WHERE p.sector = %(sector)s AND p.sub = %(sub)s
"""


def known_to(client: Client, sub: str) -> str:
    """What the client calls the user with this public `sub`: one statement for a pairwise client, two at first."""
    if not _pairwise(client):
        return sub
    with db.hot() as cursor:
        return _name(client, sub, cursor.execute)


def known_within(client: Client, sub: str) -> str:
    """The same, in the caller's transaction."""
    return _name(client, sub, db.session.connection().exec_driver_sql) if _pairwise(client) else sub


def _name(client: Client, sub: str, execute: Callable[[str, dict[str, Any]], Any]) -> str:
    values = {"sub": sub, "sector": sector(client), "name": secrets.token_urlsafe(24)}
    row = execute(_FIND, values).fetchone() or execute(_MAKE, values).fetchone()
    if row is None:
        raise LookupError("there is no such user")
    return str(row[0])


def public(client: Client, sub: str) -> str:
    """The public `sub` behind the client's name for a user; a name that is none stays what it is, and fits nobody."""
    if not _pairwise(client):
        return sub
    with db.hot() as cursor:
        row = cursor.execute(_PUBLIC, {"sub": sub, "sector": sector(client)}).fetchone()
    return str(row[0]) if row else sub


def of_id_token(found: Claims) -> str:
    """The public `sub` of whom an ID token of ours is about."""
    client = clients.find(found["aud"])
    return public(client, found["sub"]) if client else str(found["sub"])


def sector(client: Client) -> str:
    """The clients with one sector know a user by one name (Core §8.1): a host, or the client alone if it has none."""
    uri = client.client_metadata.get("sector_identifier_uri") or next(iter(client.redirect_uris), "")
    return urlsplit(str(uri)).hostname or client.client_id


def _pairwise(client: Client) -> bool:
    return client.client_metadata.get("subject_type") == "pairwise"
