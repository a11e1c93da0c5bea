"""A client's own keys (RFC 7591 §2: `jwks`, `jwks_uri`), and what they signed: assertions, request objects.

Trusted issuers publish theirs in the same way.

A key comes from the registration and from nowhere else; of a token's header only `kid` and `alg` count, and the `alg`
must be one that the caller accepts and that the key is made for (RFC 8725 §3.1, §3.10).
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from flask import current_app
from joserfc.errors import JoseError

from idp import fetch
from idp.clients.models import Client
from idp.context import now
from idp.fetch import Unreachable
from keys import BadToken, compact
from keys.algorithms import ALGORITHMS, PRIVATE_MEMBERS, PublicKey

Jwk = Mapping[str, Any]
Claims = dict[str, Any]
Source = Callable[[bool], list[Jwk]]  # the public keys as they are now; True asks again where they are published

# Which kind of key each algorithm takes: RFC 7518 §3.1, RFC 8037 §3.1.
_KINDS = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519"), "PS256": ("RSA", None), "RS256": ("RSA", None)}
SIGNING = tuple(_KINDS)  # what clients may sign with

# A header that brings a key along is not ignored but refused: it is an attack or a mistake.
_BRINGS_A_KEY = frozenset({"jwk", "jku", "x5u", "x5c"})
RSA_BITS = range(2048, 8193)
_TRIED = 5  # keys for one token that names none

FRESH = timedelta(minutes=10)  # how long a fetched set is taken for the current one
STALE = timedelta(hours=1)  # how long it is used when its server does not answer
AGAIN = timedelta(seconds=10)  # a server is asked no more often than this
_MOST = 1_000  # sets in memory


class UnknownSigner(BadToken):
    """None of the keys made the signature."""


def verify(
    client: Client, token: str, algorithms: Collection[str], *, typ: Collection[str], most: int = compact.MAX_TOKEN
) -> Claims:
    """The claims of a JWT that the client signed; what they say is for the caller to judge.

    Needs no transaction, and must not run within one: the client's key set may have to be fetched.

    Args:
        client: whose registration holds the keys.
        token: as presented.
        algorithms: those that the caller accepts of this client.
        typ: the accepted values of the header's `typ`, in lower case; a missing one is always accepted.
        most: characters.

    Raises:
        BadToken: anything is wrong; the text is for the log.
    """
    return verify_from(lambda newer: keys_of(client, newer=newer), token, algorithms, typ=typ, most=most)


def verify_from(
    source: Source,
    token: str,
    algorithms: Collection[str],
    *,
    typ: Collection[str],
    most: int = compact.MAX_TOKEN,
) -> Claims:
    """As `verify`, with keys of anybody's."""
    known = source(False)
    try:
        return verify_with(known, token, algorithms, typ=typ, most=most)
    except UnknownSigner:
        # Keys rotate: an unknown kid, or a signature that fits no key, is worth another look at what is published.
        latest = source(True)
        if latest == known:
            raise
        return verify_with(latest, token, algorithms, typ=typ, most=most)


def verify_with(
    known: list[Jwk], token: str, algorithms: Collection[str], *, typ: Collection[str], most: int = compact.MAX_TOKEN
) -> Claims:
    """As `verify`, with keys that are at hand.

    Raises:
        UnknownSigner: it is well-formed, and none of the keys signed it.
        BadToken: anything else is wrong.
    """
    parts = _parts(token, most)
    header, alg = parts.header, parts.header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms or alg not in _KINDS:
        raise BadToken("the algorithm is not accepted")
    if str(header.get("typ", "JWT")).lower().removeprefix("application/") not in {"jwt", *typ}:
        raise BadToken("the typ is another")
    _check(known, header.get("kid"), alg, parts.signed, parts.signature)
    return parts.claims()


def unverified(token: str) -> Claims:
    """What a token says before anybody looked at its signature: good for finding out whose it might be."""
    return _parts(token, compact.MAX_TOKEN).claims()


def keys_of(client: Client, *, newer: bool = False) -> list[Jwk]:
    """The client's public keys as they are now; `newer` asks its `jwks_uri` again, unless that was just done."""
    uri = client.client_metadata.get("jwks_uri")
    return published(uri, newer=newer) if isinstance(uri, str) else usable(client.jwks or {})


def published(uri: str, *, newer: bool = False) -> list[Jwk]:
    """The public keys at an address, as `keys_of` reads them."""
    return _published().keys(uri, newer=newer)


def public_key(jwk: Jwk, alg: str) -> PublicKey | None:
    """The key, if this algorithm can use it: of its kind, meant for signatures, strong enough."""
    kind, curve = _KINDS[alg]
    if (jwk.get("kty"), jwk.get("crv") if curve else None) != (kind, curve):
        return None
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", alg) != alg:
        return None
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        if kind == "RSA" and not _moderate(jwk):
            return None
        return cast("PublicKey", ALGORITHMS[alg].jwk.import_key(dict(jwk)).public_key)
    except (JoseError, BadToken, ValueError, TypeError, KeyError, AttributeError):
        return None


def _moderate(jwk: Jwk) -> bool:
    """Neither too weak nor so large that checking a signature costs what making one does."""
    modulus, exponent = (int.from_bytes(compact.b64decode(jwk[name].encode())) for name in ("n", "e"))
    return modulus.bit_length() in RSA_BITS and exponent.bit_length() <= 32


def _parts(token: str, most: int) -> compact.Jws:
    parts = compact.split(token, most=most)
    if brought := parts.header.keys() & _BRINGS_A_KEY:
        raise BadToken(f"the header has {sorted(brought)[0]}")
    return parts


def _check(known: list[Jwk], kid: object, alg: str, signed: bytes, signature: bytes) -> None:
    """Raise UnknownSigner unless a key made the signature: the one that is named, else one that has no name."""
    named = known
    if kid is not None:
        named = [jwk for jwk in known if jwk.get("kid") == kid] or [jwk for jwk in known if "kid" not in jwk]
    candidates = list(islice((key for jwk in named if (key := public_key(jwk, alg))), _TRIED))
    for key in candidates:
        try:
            ALGORITHMS[alg].verify(key, signature, signed)
        except InvalidSignature:
            continue
        return
    raise UnknownSigner("the signature is wrong" if candidates else "no registered key has this kid and algorithm")


def usable(document: Mapping[str, Any]) -> list[Jwk]:
    """The public keys of a set; other members and kinds of keys are no error (RFC 7517 §5)."""
    listed = document.get("keys")
    listed = listed if isinstance(listed, list) else []
    return [jwk for jwk in listed if isinstance(jwk, dict) and not jwk.keys() & PRIVATE_MEMBERS]


@dataclass
class _Set:
    """What an address published, when it did, and when it was last asked."""

    keys: list[Jwk] = field(default_factory=list)
    found_at: datetime | None = None
    asked_at: datetime | None = None
    lock: Lock = field(default_factory=Lock)  # one asks, the others wait for its answer

    def older(self, moment: datetime | None, age: timedelta) -> bool:
        # A clock that was set back must not keep it longer.
        return moment is None or not timedelta(0) <= now() - moment < age


class _Published:
    """Key sets by address, the latest used kept; one for each application."""

    def __init__(self) -> None:
        self._sets: OrderedDict[str, _Set] = OrderedDict()
        self._lock = Lock()

    def keys(self, uri: str, *, newer: bool) -> list[Jwk]:
        kept = self._set(uri)
        with kept.lock:
            if (newer or kept.older(kept.found_at, FRESH)) and kept.older(kept.asked_at, AGAIN):
                kept.asked_at = now()
                self._ask(uri, kept)
            return [] if kept.older(kept.found_at, STALE) else kept.keys

    def _set(self, uri: str) -> _Set:
        with self._lock:
            kept = self._sets.setdefault(uri, _Set())
            self._sets.move_to_end(uri)
            while len(self._sets) > _MOST:
                self._sets.popitem(last=False)
        return kept

    def _ask(self, uri: str, kept: _Set) -> None:
        try:
            document = compact.load(fetch.current().get(uri, accept="application/jwk-set+json, application/json"))
        except (Unreachable, BadToken) as error:
            current_app.logger.warning("a key set was not fetched", extra={"uri": uri, "error": str(error)})
            return
        kept.keys, kept.found_at = usable(document), now()


def _published() -> _Published:
    return cast("_Published", current_app.extensions.setdefault("idp.client_keys", _Published()))
