"""Passwords at rest: scrypt (RFC 7914) as PHC strings, and how many of them may be computed at once.

    $scrypt$ln=15,r=8,p=3$<salt>$<hash>      base64 without padding; 16-byte salt, 32-byte hash
    scrypt:32768:8:1$<salt>$<hash>           Werkzeug's, read only, for people who come from another system

A hash takes 128 * 2^ln * r bytes (32 MiB) and 0.2 s of a processor, so `Slots` bounds how many run and how many wait.
"""

import binascii
import os
import re
import threading
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hmac import compare_digest

# Not `hashlib.scrypt`: it takes a fifth longer (246 against 206 ms at our cost). Both release the GIL.
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from flask import current_app

from idp import limits
from idp.context import settings
from idp.errors import TemporarilyUnavailable
from idp.limits import Limit, Window

MAX_LENGTH = 1000  # code points
_BLOCK = 8  # r
_MAX_LN, _MAX_P = 17, 8  # what we are willing to compute for a string that somebody imported
_PHC = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=8,p=(\d)\$([A-Za-z0-9+/]{11,88})\$([A-Za-z0-9+/]{22,88})")
# Of all addresses together: it tells of this service, not of who asked.
_FULL = Limit("kdf.queue_full", (Window(1, 5 * 60),))
_WERKZEUG = re.compile(r"scrypt:(\d{1,6}):8:(\d)\$([A-Za-z0-9]{8,64})\$([0-9a-f]{32,128})")


class UnusablePassword(ValueError):
    """Not a password at all: empty, too long, or with characters that have no stable form; the message says which."""


class QueueFull(TemporarilyUnavailable):
    """Too many hashes at once; nothing was computed."""


class UnknownHash(ValueError):
    """Not a password hash that we read; the message says what we do read."""


@dataclass(frozen=True)
class Cost:
    """scrypt's work: N = 2^ln, p lanes; r is always 8."""

    ln: int
    p: int

    @property
    def work(self) -> int:
        """Time is proportional to it."""
        return self.p << self.ln


@dataclass(frozen=True)
class Hash:
    """A stored hash, taken apart."""

    cost: Cost
    salt: bytes
    value: bytes


def normal(password: str) -> bytes:
    """The bytes that are hashed: NFKC, so that every keyboard's spelling of a character is one (SP 800-63B-4 §3.1.1.2).

    Raises:
        UnusablePassword: nothing may be cut off or repaired, so anything else is refused.
    """
    if not 1 <= len(password) <= MAX_LENGTH:
        raise UnusablePassword(f"a password has 1 to {MAX_LENGTH} characters")
    # NFKC of an unassigned code point changes when Unicode assigns it; a surrogate has no UTF-8 form.
    if any(char == "\0" or unicodedata.category(char) in {"Cn", "Cs"} for char in password):
        raise UnusablePassword("a password consists of characters that Unicode knows, without NUL")
    return unicodedata.normalize("NFKC", password).encode()


def make(secret: bytes, cost: Cost) -> str:
    """The PHC string to store for `secret`."""
    salt = os.urandom(16)
    value = _derive(secret, salt, 32, cost)
    return f"$scrypt$ln={cost.ln},r={_BLOCK},p={cost.p}${_b64(salt)}${_b64(value)}"


def verify(secret: bytes, stored: str) -> bool:
    """Whether `secret` is what `stored` was made from.

    Raises:
        UnknownHash: `stored` is none of ours.
    """
    known = parse(stored)
    return compare_digest(_derive(secret, known.salt, len(known.value), known.cost), known.value)


def waste(work: int, ln: int) -> None:
    """Compute `work` for nothing, in lanes of 2^ln: who does not exist must cost what everybody costs."""
    lanes, rest = divmod(work, 1 << ln)
    for spent in (Cost(ln, lanes), Cost(rest.bit_length() - 1, 1)):
        if spent.ln > 0 and spent.p > 0:
            _derive(b"", bytes(16), 32, spent)


def needs_rehash(stored: str, cost: Cost) -> bool:
    """Whether `stored` is weaker than `cost`, or spelt in another way than ours."""
    return not stored.startswith("$scrypt$") or parse(stored).cost.work < cost.work


def parse(stored: str) -> Hash:
    """Take a stored hash apart; its cost is bounded, for it is computed at every sign-in.

    Raises:
        UnknownHash: another format, or more than we compute.
    """
    try:
        if found := _PHC.fullmatch(stored):
            ln, p, salt, value = found.groups()
            return _bounded(Hash(Cost(int(ln), int(p)), _unb64(salt), _unb64(value)))
        if found := _WERKZEUG.fullmatch(stored):
            n, p, salt, value = found.groups()
            if int(n).bit_count() == 1:
                return _bounded(Hash(Cost(int(n).bit_length() - 1, int(p)), salt.encode(), bytes.fromhex(value)))
    except (binascii.Error, ValueError):
        pass
    raise UnknownHash(f"a password hash is $scrypt$ln=…,r=8,p=…$… or scrypt:N:8:p$…, ln <= {_MAX_LN}, p <= {_MAX_P}")


class Slots:
    """How many hashes run at once in this process, and how many requests wait for their turn.

    A waiting request keeps its thread of the server, and no database connection. So that a flood of sign-ins starves
    nobody else, the server has `threads()` threads: more than can ever wait here.
    """

    def __init__(self, size: int, queue: int, wait: float) -> None:
        self._running = threading.Semaphore(size)
        self._admitted = threading.Semaphore(size + queue)
        self._wait = wait

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a slot while the block computes.

        Raises:
            QueueFull: there is no place to wait, or the turn did not come in time.
        """
        if not self._admitted.acquire(blocking=False):
            raise QueueFull("the queue for password hashing is full")
        try:
            if not self._running.acquire(timeout=self._wait):
                raise QueueFull("waited too long for password hashing")
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._admitted.release()


@contextmanager
def slot(purpose: str) -> Iterator[None]:
    """Hold a slot of this application; `people` and `clients` have their own, so that neither waits for the other.

    Raises:
        QueueFull: as `Slots.held`; the operator learns of it.
    """
    try:
        with slots(purpose).held():
            yield
    except QueueFull as full:
        limits.record(_FULL, purpose, purpose=purpose, reason=full.private)
        raise


def slots(purpose: str) -> Slots:
    """The slots behind `slot`."""
    sizes, name = settings().passwords, f"idp.slots.{purpose}"
    found = current_app.extensions.get(name)
    if found is None:
        found = current_app.extensions.setdefault(name, Slots(sizes.slots, sizes.queue, sizes.wait))
    made: Slots = found
    return made


def threads(slots: int, queue: int, others: int) -> int:
    """How many threads the server needs: two full queues (people, clients), and `others` that always get through."""
    return 2 * (slots + queue) + others


def cost() -> Cost:
    """The cost of new passwords in this application."""
    return Cost(settings().passwords.ln, settings().passwords.p)


def _bounded(found: Hash) -> Hash:
    if not (1 <= found.cost.ln <= _MAX_LN and 1 <= found.cost.p <= _MAX_P):
        raise ValueError
    return found


def _derive(secret: bytes, salt: bytes, length: int, cost: Cost) -> bytes:
    return Scrypt(salt=salt, length=length, n=1 << cost.ln, r=_BLOCK, p=cost.p).derive(secret)


def _b64(value: bytes) -> str:
    return b64encode(value).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), validate=True)
