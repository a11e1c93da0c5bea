"""Refresh tokens: `rt_<key id>.<grant>.<generation>.<MAC>`; nothing of them is stored but the grant's generation.

One that is bound to a public client's key or certificate has before its MAC the digest of what it is bound to
(RFC 9449 §5, RFC 8705 §4); the MAC covers that too.

A public client's rotates (RFC 9700 §4.14.2): the generation moves in one conditional UPDATE. For some seconds the token
used last gets the *same* successor again, since a lost answer must not log a user out; anything older ends the grant.
Generations are compared, never times alone, so no second chain can begin. Confidential clients keep theirs.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from idp import context
from idp.db import db
from keys import BadToken, compact

_SHAPE = re.compile(
    r"rt_([A-Za-z0-9_-]{1,64})\.([0-9a-f]{32})\.(0|[1-9][0-9]{0,8})(?:\.([A-Za-z0-9_-]{43}))?\.([A-Za-z0-9_-]{43})",
    re.ASCII,
)

_ROTATE = """
    UPDATE oauth_grant SET generation = generation + 1, rotated_at = %(now)s
     WHERE id = %(grant)s AND generation = %(generation)s AND revoked_at IS NULL AND expires_at > %(now)s
"""

_GENERATION = "SELECT generation FROM oauth_grant WHERE id = %(grant)s AND revoked_at IS NULL"


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token whose MAC is ours."""

    grant_id: UUID
    generation: int
    binding: str | None = None


def binding(confirmation: Mapping[str, str]) -> str:
    """What stands in a refresh token that only the holder of these keys may use; the mapping is a `cnf`."""
    return compact.b64text(hashlib.sha256(json.dumps(dict(confirmation), sort_keys=True).encode()).digest())


def make(grant_id: UUID, generation: int, binding: str | None = None) -> str:
    """The refresh token of a grant's generation."""
    body = f"{grant_id.hex}.{generation}" + (f".{binding}" if binding else "")
    kid, mac = context.keys().mac("refresh", body.encode())
    return f"rt_{kid}.{body}.{compact.b64text(mac)}"


def read(token: str) -> Presented | None:
    """Parse a token; None for anything that we did not make. A forged one touches no row."""
    if not (match := _SHAPE.fullmatch(token)):
        return None
    kid, grant, generation, bound, mac = match.groups()
    body = f"{grant}.{generation}" + (f".{bound}" if bound else "")
    try:
        proof = compact.b64decode(mac.encode())
    except BadToken:
        return None
    if not context.keys().check_mac("refresh", kid, body.encode(), proof):
        return None
    return Presented(UUID(grant), int(generation), bound)


@dataclass(frozen=True, slots=True)
class Rotated:
    """The generation that is valid now, and whether it is this request that moved it there."""

    generation: int
    moved: bool


def rotate(grant_id: UUID, generation: int, now: datetime) -> Rotated | None:
    """Move the generation on; None if the grant has ended meanwhile.

    Of two requests that race one moves it, and both answer with the same successor.
    """
    values = {"grant": grant_id, "generation": generation, "now": now}
    with db.hot() as cursor:
        if cursor.execute(_ROTATE, values).rowcount:
            return Rotated(generation + 1, moved=True)
        row = cursor.execute(_GENERATION, {"grant": grant_id}).fetchone()
    return Rotated(row[0], moved=False) if row and row[0] == generation + 1 else None
