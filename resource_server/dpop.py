"""Proofs that the sender of a token holds the key that it is bound to: DPoP at a resource, RFC 9449 §4.3, §7."""

import hashlib
import re
import threading
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import unquote

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from resource_server import jws
from resource_server.errors import InvalidProof, InvalidToken, Unavailable
from resource_server.presented import Presented

ALGORITHMS = ("ES256", "EdDSA", "PS256", "RS256")  # those with which the provider binds tokens
WINDOW = 60  # seconds that a proof counts, before and after its `iat`

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 §6
_RSA_BITS = range(2048, 8193)
_URL = re.compile(r"(https?)://([^/?#@\\\s]+)(/[^?#\s]*)?(?:\?[^#\s]*)?(?:#\S*)?", re.ASCII | re.IGNORECASE)
_PORTS = {"https": ":443", "http": ":80"}


class Proofs(Protocol):
    """A memory of proofs that were used; all processes of a service should share one."""

    def first(self, digest: bytes, until: float) -> bool:
        """Whether this proof comes for the first time; it is remembered until then (seconds since the epoch)."""


class Remembered:
    """The memory of one process: with several, a proof may work once in each."""

    def __init__(self, now: Callable[[], float], most: int = 100_000) -> None:
        self._now, self._most = now, most
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def first(self, digest: bytes, until: float) -> bool:
        """See `Proofs`; raises `Unavailable` when more came within two minutes than are remembered."""
        with self._lock:
            while self._until and next(iter(self._until.values())) <= self._now():
                self._until.popitem(last=False)
            if digest in self._until:
                return False
            if len(self._until) >= self._most:
                raise Unavailable("too many DPoP proofs to remember")
            # All live equally long from now, so the oldest are the first to go.
            self._until[digest] = max(until, self._now() + 2 * WINDOW)
            return True


def check(presented: Presented, token: str, jkt: str, *, proofs: Proofs, now: float) -> None:
    """Let a request pass whose one proof is for it, for this token, and by the key with the thumbprint `jkt`.

    Raises:
        InvalidProof: there is no such proof, or it was used before.
        InvalidToken: the proof is good, but of another key.
    """
    if len(presented.dpop) != 1 or "," in presented.dpop[0]:
        raise InvalidProof("there must be one DPoP header")
    try:
        compact = jws.parse(presented.dpop[0])
        key = _key(compact.header)
        _check_signature(key, compact)
        claims = compact.payload()
    except jws.Malformed:
        raise InvalidProof("the proof is not a signed JWT") from None
    _judge(claims, presented, token, now)
    if key.thumbprint() != jkt:
        raise InvalidToken("the token is bound to another key")
    digest = hashlib.sha256(f"{jkt}\0{claims['jti']}".encode(errors="surrogatepass")).digest()
    if not proofs.first(digest, claims["iat"] + WINDOW):
        raise InvalidProof("the proof was used before")


def _key(header: Mapping[str, Any]) -> Key:
    jwk, alg = header.get("jwk"), header.get("alg")
    if header.get("typ") != "dpop+jwt" or not isinstance(alg, str) or alg not in ALGORITHMS:
        raise InvalidProof("the proof must be a dpop+jwt of a supported algorithm")
    if not isinstance(jwk, dict) or _PRIVATE & jwk.keys() or {"crit", "b64"} & header.keys():
        raise InvalidProof("the proof must bring a public key, and no extension")
    try:
        key = JWKRegistry.import_key(jwk)
        JWSRegistry.algorithms[alg].check_key(key)
    except Exception:
        # The parser fails in many ways on a stranger's key.
        raise InvalidProof("the proof's key is not one of its algorithm") from None
    if isinstance(key, RSAKey) and key.raw_value.key_size not in _RSA_BITS:
        raise InvalidProof("the proof's key is too weak, or too large")
    return key


def _check_signature(key: Key, compact: jws.Compact) -> None:
    try:
        signature = urlsafe_b64decode(compact.signature.encode())
        good = JWSRegistry.algorithms[compact.header["alg"]].verify(compact.signed.encode(), signature, key)
    except (JoseError, ValueError):
        good = False
    if not good:
        raise InvalidProof("the proof's signature is wrong")


def _judge(claims: Mapping[str, Any], presented: Presented, token: str, now: float) -> None:
    """RFC 9449 §4.3, items 3 and 8 to 12."""
    made_at = claims.get("iat")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise InvalidProof("the proof has no jti")
    if claims.get("htm") != presented.method:
        raise InvalidProof("the proof is for another method")
    if _target(claims.get("htu")) != _here(presented):
        raise InvalidProof("the proof is for another URL")
    if isinstance(made_at, bool) or not isinstance(made_at, int | float) or not now - WINDOW <= made_at <= now + WINDOW:
        raise InvalidProof("the proof was not made just now")
    if claims.get("ath") != _digest(token):
        raise InvalidProof("the proof is for another token")


def _here(presented: Presented) -> tuple[str, str, str] | None:
    base = _target(presented.base)
    # The path is decoded already: once more, and one resource could be taken for another.
    return base and (base[0], base[1], base[2].rstrip("/") + presented.path)


def _target(url: object) -> tuple[str, str, str] | None:
    """Scheme, authority and decoded path, without query and fragment (§4.3, item 9).

    Normalised as RFC 3986 §6.2.2 and §6.2.3 say: case of scheme and host, the default port, percent-encoding.
    """
    match = _URL.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        return None
    scheme, authority, path = match[1].lower(), match[2].lower(), match[3]
    return scheme, authority.removesuffix(_PORTS[scheme]), unquote(path or "") or "/"


def _digest(token: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
