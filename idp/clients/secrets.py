"""Client secrets: made, kept as scrypt, checked (RFC 6749 §2.3.1).

A secret that we made has 256 random bits, for which a cheap scrypt is ample; one that a person or a file chose costs
what a password costs. A success is remembered, so that a busy client pays for the hash once in each process.
"""

import hmac
import os
import secrets
from collections import OrderedDict
from threading import Lock

from flask import current_app, request

from idp import limits, passwords
from idp.clients.models import Client
from idp.context import now
from idp.errors import TemporarilyUnavailable, TooManyRequests
from idp.limits import Counter, Limit, Window
from idp.passwords import Cost

# Who asks too often waits; but failures from elsewhere never stop an address that has hardly failed itself.
FAILURES = Limit("client.secret", (Window(60, 60),), silent=True)
OWN_FAILURES = Limit("client.secret.address", (Window(10, 60),), silent=True)
ADDRESS = Limit("client.secret.network", (Window(300, 60),))  # of one address, whichever clients it tries
_MADE = Cost(ln=12, p=1)  # 9 ms
_REMEMBERED = 3600  # seconds after the last use
_MOST = 10_000  # successes in memory


def make() -> tuple[str, str]:
    """A new secret of 43 characters from [A-Za-z0-9_-], and the hash to store."""
    secret = secrets.token_urlsafe(32)
    return secret, passwords.make(secret.encode(), _MADE)


def hashed(chosen: str) -> str:
    """The hash of a secret that a person or a file chose."""
    return passwords.make(chosen.encode(), passwords.cost())


def matches(secret: str, stored: list[str]) -> bool:
    """Whether the secret is one of those stored, at the price of their hashes; for administration."""
    return any(passwords.verify(secret.encode(), each) for each in stored)


def check(client: Client | None, secret: str, *, asked: str = "") -> bool:
    """Whether this is a secret of the client; one that does not exist gets the answers of a wrong secret, limits too.

    Not its time in every case: it costs what a secret that we made costs, while a chosen one takes longer. A client id
    is public, it stands in every address of a sign-in; paying more would give a processor to whoever makes ids up.
    Needs no transaction; a failure is counted at once.

    Args:
        client: None if there is no such client.
        secret: as it was sent.
        asked: the id that was sent.

    Raises:
        TooManyRequests: 60 failures in a minute for this id, 10 of them from this address, or 300 from it for all ids.
            A secret that was right lately passes.
        TemporarilyUnavailable: too many checks at once; nothing was counted.
    """
    stored = client.secret_hashes if client else []
    verified = _verified()
    if any(verified.has(secret, each) for each in stored):
        return True
    client_id = client.client_id if client else asked
    address = limits.network(request.remote_addr or "")
    own = Counter(OWN_FAILURES, f"{client_id} {address}")
    taken = limits.take(Counter(FAILURES, client_id), own, Counter(ADDRESS, address))
    if not _admitted(taken):
        taken.give_back()
        raise TooManyRequests(taken.retry_after)
    found = _compare(secret, stored, taken)
    if found is None:
        return False
    taken.give_back()
    verified.add(secret, found)
    return True


def _admitted(taken: limits.Taken) -> bool:
    """Whether the id or this address with it has attempts left."""
    return any(counter.limit is not ADDRESS for counter in taken.counted)


def _compare(secret: str, stored: list[str], taken: limits.Taken) -> str | None:
    """Which of the stored hashes the secret belongs to; all are computed."""
    given = secret.encode(errors="surrogatepass")
    try:
        with passwords.slot("clients"):
            if not stored:
                passwords.waste(_MADE.work, _MADE.ln)
            found = [each for each in stored if passwords.verify(given, each)]
    except TemporarilyUnavailable:
        taken.give_back()
        raise
    return found[0] if found else None


class _Verified:
    """Successes, the latest used kept: HMACs of secret and stored hash under a key of this process.

    A secret that was taken from the client misses by itself, since its hash is no longer asked for.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()

    def has(self, secret: str, stored: str) -> bool:
        entry = self._entry(secret, stored)
        with self._lock:
            until, at = self._until.get(entry, 0.0), now().timestamp()
            if until <= at:
                return False
            self._until[entry] = at + _REMEMBERED
            self._until.move_to_end(entry)
            return True

    def add(self, secret: str, stored: str) -> None:
        with self._lock:
            self._until[self._entry(secret, stored)] = now().timestamp() + _REMEMBERED
            while len(self._until) > _MOST:
                self._until.popitem(last=False)

    def _entry(self, secret: str, stored: str) -> bytes:
        # A hash has no NUL, so secret and hash cannot be shifted against each other.
        return hmac.digest(self._key, f"{stored}\0{secret}".encode(errors="surrogatepass"), "sha256")


def _verified() -> _Verified:
    found = current_app.extensions.get("idp.client_secrets")
    if found is None:
        found = current_app.extensions.setdefault("idp.client_secrets", _Verified())
    known: _Verified = found
    return known
