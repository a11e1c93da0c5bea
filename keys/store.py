"""The `signing_key` table: load the keys, and change them under one lock so that many processes rotate once."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow, tuple_row
from psycopg.types.json import Jsonb

from keys import jws, rotation
from keys.envelope import Keks
from keys.rotation import Change, Key, Policy

_LOCK = 0x6B657973  # "keys"; advisory locks are shared by the whole database

_SELECT = """
    SELECT kid, use, alg, state,
           extract(epoch FROM created_at)::float8, extract(epoch FROM activated_at)::float8,
           extract(epoch FROM drop_after)::float8, public_jwk, sealed_private, sealed_by
      FROM signing_key ORDER BY created_at, kid
"""
_INSERT = """
    INSERT INTO signing_key (kid, use, alg, state, public_jwk, sealed_private, sealed_by, created_at, activated_at)
    VALUES (%(kid)s, %(use)s, %(alg)s, %(state)s, %(public_jwk)s, %(sealed)s, %(sealed_by)s, to_timestamp(%(now)s),
            CASE WHEN %(state)s = 'active' THEN to_timestamp(%(now)s) END)
"""
_ACTIVATE = "UPDATE signing_key SET state = 'active', activated_at = to_timestamp(%(now)s) WHERE kid = %(kid)s"
# A retired signing key never signs again, so its private part goes; an `enc` key must still open what it sealed.
_RETIRE = """
    UPDATE signing_key
       SET state = 'retired', drop_after = to_timestamp(%(drop_after)s),
           sealed_private = CASE WHEN use = 'enc' THEN sealed_private END,
           sealed_by = CASE WHEN use = 'enc' THEN sealed_by END
     WHERE kid = %(kid)s
"""
_DROP = "DELETE FROM signing_key WHERE kid = %(kid)s"
_REWRAP = "UPDATE signing_key SET sealed_private = %(sealed)s, sealed_by = %(sealed_by)s WHERE kid = %(kid)s"


@dataclass(frozen=True)
class StoredKey:
    """A key with its material: `secret` is PKCS #8 DER (`sig`) or 32 bytes (`enc`), None for a retired signing key."""

    key: Key
    public_jwk: dict[str, Any] | None
    secret: bytes | None = field(repr=False)


@dataclass(frozen=True)
class _Row:
    key: Key
    public_jwk: dict[str, Any] | None
    sealed: bytes | None
    sealed_by: str | None


def listed(connection: Connection[Any]) -> list[Key]:
    """Return every key without its material, oldest first."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [row.key for row in _rows(cursor)]


def load(connection: Connection[Any], keks: Sequence[bytes]) -> list[StoredKey]:
    """Return every key with its material, oldest first.

    Raises:
        WrongKek: a row was sealed by a key-encryption key that is not among `keks`.
        CannotUnseal: a row was changed.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        return _unsealed(_rows(cursor), Keks(keks))


def apply(connection: Connection[Any], keks: Sequence[bytes], policy: Policy, now: float) -> list[Change]:
    """Make the changes that are due at `now` and return them; of many processes one makes them, the rest find none.

    Raises:
        WrongKek, CannotUnseal: as `load`; nothing is changed then, so a wrong setting never starts a second key set.
    """
    return _change(connection, keks, now, [lambda keys: rotation.plan(keys, now, policy)])


def rotate(connection: Connection[Any], keks: Sequence[bytes], policy: Policy, now: float) -> list[Change]:
    """As `apply`, as if every active key had reached its lifetime; a `next` that is too young still waits."""
    return _change(connection, keks, now, [lambda keys: rotation.rotate(keys, now, policy)])


def revoke(connection: Connection[Any], keks: Sequence[bytes], policy: Policy, now: float, kid: str) -> list[Change]:
    """Drop a compromised key and replace it without the waits; `rotation.revoke` has the trade.

    Other processes go on with their copy until they reload (`policy.refresh_every`). Where every key leaked, revoke
    the `next` ones first: they are what takes the place of the active ones.

    Raises:
        UnknownKey: no key has this `kid`.
        WrongKek, CannotUnseal: as `apply`, for the keys that stay.
    """
    steps = [lambda keys: rotation.revoke(keys, kid), lambda keys: rotation.plan(keys, now, policy)]
    return _change(connection, keks, now, steps)


def rewrap(connection: Connection[Any], keks: Sequence[bytes]) -> int:
    """Wrap every data key by the first of `keks`; return how many another had wrapped. The keys stay as they are."""
    ring = Keks(keks)
    with _locked(connection) as cursor:
        old = [row for row in _rows(cursor) if row.sealed_by not in (None, ring.first_id)]
        for row in old:
            sealed, sealed_by = ring.rewrap(row.sealed or b"", row.sealed_by or "", **_identity(row.key))
            cursor.execute(_REWRAP, {"kid": row.key.kid, "sealed": sealed, "sealed_by": sealed_by})
    return len(old)


def _change(
    connection: Connection[Any],
    keks: Sequence[bytes],
    now: float,
    steps: Sequence[Callable[[list[Key]], list[Change]]],
) -> list[Change]:
    """Decide and execute each step inside the lock, on what the step before left."""
    ring, made = Keks(keks), []
    with _locked(connection) as cursor:
        for decide in steps:
            keys = [row.key for row in _rows(cursor)]
            made += [_execute(cursor, change, ring, now) for change in decide(keys)]
        # What is left must open, or nothing was changed. At the end, so that a damaged key can be revoked.
        _unsealed(_rows(cursor), ring)
    return made


def _execute(cursor: Cursor[TupleRow], change: Change, ring: Keks, now: float) -> Change:
    if change.action == "create":
        return _create(cursor, change, ring, now)
    statement = {"activate": _ACTIVATE, "retire": _RETIRE, "drop": _DROP}[change.action]
    cursor.execute(statement, {"kid": change.kid, "now": now, "drop_after": change.drop_after})
    return change


def _create(cursor: Cursor[TupleRow], change: Change, ring: Keks, now: float) -> Change:
    # Hexadecimal: never starts with "-", so that it can be an argument on a command line.
    change = replace(change, kid=os.urandom(8).hex())
    identity = {"kid": change.kid, "use": change.use, "alg": change.alg}
    if change.use == "sig":
        new = jws.generate(change.kid, change.alg)
        secret, public_jwk = new.private, Jsonb(new.public_jwk)
    else:
        secret, public_jwk = os.urandom(32), None
    sealed, sealed_by = ring.seal(secret, **identity)
    values = {"state": change.state, "public_jwk": public_jwk, "sealed": sealed, "sealed_by": sealed_by, "now": now}
    cursor.execute(_INSERT, identity | values)
    return change


@contextmanager
def _locked(connection: Connection[Any]) -> Iterator[Cursor[TupleRow]]:
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        yield cursor


def _rows(cursor: Cursor[TupleRow]) -> list[_Row]:
    return [_Row(Key(*row[:7]), *row[7:]) for row in cursor.execute(_SELECT)]


def _unsealed(rows: Sequence[_Row], ring: Keks) -> list[StoredKey]:
    return [StoredKey(row.key, row.public_jwk, _secret(row, ring)) for row in rows]


def _secret(row: _Row, ring: Keks) -> bytes | None:
    if row.sealed is None:
        return None
    return ring.unseal(row.sealed, row.sealed_by or "", **_identity(row.key))


def _identity(key: Key) -> dict[str, str]:
    return {"kid": key.kid, "use": key.use, "alg": key.alg}
