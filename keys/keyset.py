"""The key set of one process: a snapshot of the table, reloaded every 30 s, and all that is done with keys."""

import hmac
import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from keys import jws, store
from keys.envelope import Keks
from keys.errors import KeysError, NoActiveKey
from keys.jws import SigningKey
from keys.rotation import Policy
from keys.sealing import Ring, Seal
from keys.store import StoredKey

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Snapshot:
    """What was in the table at one moment; never changed, so threads share it without a lock."""

    loaded_at: float = 0.0
    signing: Mapping[str, SigningKey] = field(default_factory=dict)  # every one, by kid
    active: Mapping[str, SigningKey] = field(default_factory=dict)  # by alg
    ring: Ring = field(default_factory=lambda: Ring({}))
    sealing: str | None = None  # kid of the active `enc` key


class KeySet:
    """Signs, verifies, seals and opens with the keys in the table; private keys never leave it.

    Args:
        connect: gives a database connection for the time of a `with` block.
        keks: key-encryption keys of 32 bytes; the first seals, all of them unseal.
        policy: which algorithms are kept, and the times.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Connection[Any]]],
        keks: Sequence[bytes],
        policy: Policy,
        now: Callable[[], float] = time.time,
    ) -> None:
        Keks(keks)  # a key-encryption key of the wrong size stops the start, not the first refresh
        self._connect, self._keks, self._policy, self._now = connect, tuple(keks), policy, now
        self._current = _Snapshot()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def refresh(self) -> None:
        """Load the table now.

        Raises:
            WrongKek, CannotUnseal: a row does not open; the keys loaded before stay in use.
            psycopg.Error: the database is away; likewise.
        """
        now = self._now()
        with self._connect() as connection:
            stored = store.load(connection, self._keks)
        self._current = _snapshot(stored, now)

    def start(self) -> None:
        """Refresh in the background, at once and then every 30 s; a failure is logged and keeps the old keys."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_fresh, name="key-set", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread that `start` began."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=2)  # it may be waiting for a database that is away, and it is a daemon
            self._thread = None

    @property
    def stale(self) -> bool:
        """Without keys, or with keys so old that a rotation may have passed unnoticed: not ready, still serving."""
        return self._empty or self._now() - self._current.loaded_at > self._policy.stale_after

    def sign(self, claims: Mapping[str, object], *, alg: str, typ: str | None = None) -> str:
        """Return a compact JWS by the active key of `alg`.

        Raises:
            NoActiveKey: `alg` is not kept, or its first key is not yet active.
        """
        key = self._current.active.get(alg)
        if key is None:
            raise NoActiveKey(f"no active signing key for {alg}; the job process makes and activates keys")
        return key.sign(claims, typ)

    def verify(self, token: str, *, algorithms: Collection[str], typ: Collection[str | None]) -> dict[str, Any]:
        """Return the claims of a token that we signed, whether its key is next, active or retired; no claim is judged.

        Raises:
            BadToken: anything is wrong.
        """
        return jws.verify(token, self._current.signing, algorithms=algorithms, typ=typ)

    def public(self) -> dict[str, Any]:
        """Return the JWKS (RFC 7517 §5): the public part of every signing key, oldest first."""
        return {"keys": [dict(key.public_jwk) for key in self._current.signing.values()]}

    def seal(self, purpose: str, payload: Mapping[str, object], *, expires_at: int) -> str:
        """Return a JWE that only `open` of the same purpose reads, and only before `expires_at` (epoch seconds)."""
        return self._sealing(purpose).seal(payload, expires_at)

    def open(self, purpose: str, token: str) -> dict[str, Any] | None:
        """Return what was sealed for `purpose`, or None for anything else."""
        return self._current.ring.open(purpose, token, self._now())

    def mac(self, purpose: str, message: bytes) -> tuple[str, bytes]:
        """Return the kid and the HMAC-SHA256 of `message` under the active key of `purpose`."""
        key = self._sealing(purpose)
        return key.kid, key.mac(message)

    def check_mac(self, purpose: str, kid: str, message: bytes, mac: bytes) -> bool:
        """Whether `mac` is what the key `kid` of `purpose` makes of `message`; compared in constant time."""
        key = self._current.ring.key(purpose, kid)
        return key is not None and hmac.compare_digest(key.mac(message), mac)

    def _sealing(self, purpose: str) -> Seal:
        current = self._current
        key = current.ring.key(purpose, current.sealing) if current.sealing else None
        if key is None:
            raise NoActiveKey("no active key to seal with; the job process makes and activates keys")
        return key

    @property
    def _empty(self) -> bool:
        return self._current.sealing is None

    def _keep_fresh(self) -> None:
        while not self._stopping.is_set():
            try:
                self.refresh()
            except Exception as error:  # whatever it was, the thread must live to try again
                # Our own words name the key that does not open; a driver's may hold connection parameters.
                reason = error if isinstance(error, KeysError) else type(error).__name__
                log.warning("the key set was not refreshed: %s", reason)
            # Jitter, so that processes started together do not ask together; one without any keys is in a hurry.
            pause = 1.0 if self._empty else self._policy.refresh_every * random.uniform(0.8, 1.0)  # noqa: S311
            self._stopping.wait(pause)


def _snapshot(stored: Sequence[StoredKey], now: float) -> _Snapshot:
    signing = {
        each.key.kid: SigningKey(each.key.kid, each.key.alg, each.public_jwk or {}, each.secret)
        for each in stored
        if each.key.use == "sig"
    }
    active = {each.key.alg: each.key.kid for each in stored if each.key.state == "active"}
    return _Snapshot(
        loaded_at=now,
        signing=signing,
        active={alg: signing[kid] for alg, kid in active.items() if kid in signing},
        ring=Ring({each.key.kid: each.secret for each in stored if each.key.use == "enc" and each.secret}),
        sealing=active.get("A256GCM"),
    )
