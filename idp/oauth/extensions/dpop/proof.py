"""A DPoP proof: a JWT by which whoever sends an HTTP request shows that it holds a key (RFC 9449 §4).

`read` judges everything that the proof says of itself and of its request; whether its key is the expected one, and
whether it was used before, is for the caller. Errors name what is wrong and never repeat what was sent.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature

from idp import context
from idp.oauth.assertion import SKEW, identifier, is_time
from keys import BadToken, brought, compact
from keys.algorithms import ALGORITHMS

WINDOW = 300  # seconds of one nonce; the one before is accepted too
_MAX_HEADER = 2_048  # characters, still encoded: an RSA key of 4096 bits is in it
_URI = re.compile(r"(https?)://([^/?#]+)([^?#]*).*", re.ASCII | re.IGNORECASE)  # RFC 3986 appendix B
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


class WantsNonce(BadToken):
    """The proof has no nonce of ours that is still good, and needs one (RFC 9449 §8)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is right for its request.

    Attributes:
        thumbprint: of the key that made it (RFC 7638).
        alg: with which algorithm.
        jti: its own name.
        until: seconds since the epoch; from then on it is accepted no more.
        ath: of which access token, as the proof says; for the caller to compare.
        aged: its nonce is good, but not the newest.
    """

    thumbprint: str
    alg: str
    jti: str
    until: float
    ath: object
    aged: bool


def read(token: str, *, method: str, path: str, algorithms: Collection[str], nonce_required: bool) -> Proof:
    """Check a proof against its HTTP request (RFC 9449 §4.3).

    Args:
        token: the value of the one DPoP header.
        method: of the request.
        path: decoded, as the router sees it; scheme and host are our own, never those of a header.
        algorithms: those that are accepted.
        nonce_required: whether a proof without a nonce is refused, however new it is.

    Raises:
        WantsNonce: nothing else is wrong.
        BadToken: the text says what is; safe to show.
    """
    parts = compact.split(token, most_header=_MAX_HEADER)
    alg = _algorithm(parts.header, algorithms)
    owner = brought.read(parts.header.get("jwk"), alg)
    try:
        ALGORITHMS[alg].verify(owner.key, parts.signature, parts.signed)
    except InvalidSignature:
        raise BadToken("its signature is wrong") from None
    claims = parts.claims()
    _judge(claims, method, path)
    until, aged = _lifetime(claims, nonce_required=nonce_required)
    return Proof(owner.thumbprint, alg, claims["jti"], until, claims.get("ath"), aged)


def hash_of(access_token: str) -> str:
    """What `ath` must be for this token (RFC 9449 §4.2)."""
    return compact.b64text(hashlib.sha256(access_token.encode()).digest())


def nonce() -> str:
    """The nonce of this time, the same on every instance; nothing is stored (RFC 9449 §8.2)."""
    kid, mac = context.keys().mac("dpop-nonce", _message(_window()))
    return f"{kid}.{compact.b64text(mac)}"


def _algorithm(header: dict[str, Any], algorithms: Collection[str]) -> str:
    alg = header.get("alg")
    if header.get("typ") != "dpop+jwt":
        raise BadToken("typ must be dpop+jwt")
    if not isinstance(alg, str) or alg not in algorithms:
        raise BadToken("alg is not accepted")
    return alg


def _judge(claims: dict[str, Any], method: str, path: str) -> None:
    """Types before values; members that nobody knows are ignored."""
    identifier(claims)
    if claims.get("htm") != method:
        raise BadToken("htm is not the method of the request")
    if _target(claims.get("htu")) not in _addresses(path):
        raise BadToken("htu is not the address of the request")
    if not is_time(claims.get("iat")):
        raise BadToken("iat is missing, or no number")


def _lifetime(claims: dict[str, Any], *, nonce_required: bool) -> tuple[float, bool]:
    """Until when the proof is good, and whether its nonce is not the newest (RFC 9449 §4.3, check 11).

    A nonce says when the proof was made, whatever the client's clock says; one that is not good never falls back to it.
    """
    said = claims.get("nonce")
    if said is None and not nonce_required:
        now = context.now().timestamp()
        if not claims["iat"] - SKEW <= now < claims["iat"] + SKEW:
            raise BadToken("iat is more than a minute away")
        return claims["iat"] + SKEW, False
    now = _window()
    for window in (now, now - 1):
        if isinstance(said, str) and _is_nonce_of(window, said):
            return (window + 2) * WINDOW, window != now
    raise WantsNonce("it needs the nonce that comes with this answer")


def _is_nonce_of(window: int, said: str) -> bool:
    kid, _, text = said.rpartition(".")
    try:
        mac = compact.b64decode(text.encode("ascii"))
    except (BadToken, UnicodeEncodeError):
        return False
    return context.keys().check_mac("dpop-nonce", kid, _message(window), mac)


def _window() -> int:
    return int(context.now().timestamp()) // WINDOW


def _message(window: int) -> bytes:
    return str(window).encode()


def _addresses(path: str) -> list[tuple[str, str, str]]:
    """Where a path of ours is: at the public URL, and where clients with certificates go (RFC 8705 §5)."""
    return [(*found[:2], path) for origin in context.settings().origins if (found := _target(origin))]


def _target(uri: object) -> tuple[str, str, str] | None:
    """Scheme, authority and decoded path of an address, without query and fragment (RFC 9449 §4.3, check 9).

    Normalised as RFC 3986 §6.2.2 and §6.2.3 say: case of scheme and host, the default port, percent-encoding.
    """
    match = _URI.fullmatch(uri) if isinstance(uri, str) else None
    if match is None:
        return None
    scheme, authority, path = match[1].lower(), match[2].lower(), match[3]
    return scheme, authority.removesuffix(_DEFAULT_PORT[scheme]), unquote(path) or "/"
