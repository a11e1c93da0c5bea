"""What we hand out and read back ourselves: JWE (RFC 7516, `dir` + A256GCM) and HMAC, each under a key of its purpose.

A purpose (`sso`, `refresh`, …) has its own keys, derived from the ring's 256-bit secrets by HKDF (RFC 5869), and its
own `typ`: what was made for one purpose is nothing at all for another.
"""

import hmac
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys import compact
from keys.errors import BadToken

_IV = 12  # bytes: NIST SP 800-38D §8.2.2, random; 2^32 seals for each key and purpose, 550 a second over 90 days
_TAG = 16  # bytes
_RESERVED = frozenset({"exp", "purpose"})


class Seal:
    """One key for one purpose."""

    def __init__(self, kid: str, secret: bytes, purpose: str) -> None:
        self.kid, self._purpose = kid, purpose
        self._aead = AESGCM(_derive(secret, "seal", purpose))
        self._mac_key = _derive(secret, "mac", purpose)
        header = {"alg": "dir", "enc": "A256GCM", "kid": kid, "typ": f"idp-{purpose}+jwe"}
        self.header = compact.b64encode(compact.dump(header))

    def seal(self, payload: Mapping[str, object], expires_at: int) -> str:
        """Return the compact JWE of `payload`, which opens before `expires_at` only."""
        if _RESERVED & payload.keys():
            raise ValueError(f"{sorted(_RESERVED)} are ours to set")
        iv = os.urandom(_IV)
        claims = compact.dump({**payload, "exp": expires_at, "purpose": self._purpose})
        encrypted = self._aead.encrypt(iv, claims, self.header)
        parts = (self.header, b"", *map(compact.b64encode, (iv, encrypted[:-_TAG], encrypted[-_TAG:])))
        token = b".".join(parts).decode("ascii")
        if len(token) > compact.MAX_TOKEN:
            raise ValueError("the payload is too large to be sealed")
        return token

    def open(self, parts: Sequence[bytes], now: float) -> dict[str, Any] | None:
        """Return the payload of IV, ciphertext and tag, or None when it is expired or for another purpose.

        Raises:
            BadToken: malformed, or not sealed by this key.
        """
        iv, ciphertext, tag = map(compact.b64decode, parts)
        if len(iv) != _IV or len(tag) != _TAG:
            raise BadToken("IV or tag of another length")
        try:
            claims = compact.load(self._aead.decrypt(iv, ciphertext + tag, self.header))
        except InvalidTag:
            raise BadToken("not sealed by this key") from None
        fresh = claims.pop("exp") > now
        return claims if claims.pop("purpose") == self._purpose and fresh else None

    def mac(self, message: bytes) -> bytes:
        """Return the 32 bytes of HMAC-SHA256."""
        return hmac.digest(self._mac_key, message, "sha256")


class _Purpose(NamedTuple):
    by_kid: Mapping[str, Seal]
    by_header: Mapping[bytes, Seal]


class Ring:
    """Every `enc` key we know: the active one seals, all of them open."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._secrets = secrets
        self._purposes: dict[str, _Purpose] = {}

    def key(self, purpose: str, kid: str) -> Seal | None:
        """Return the key `kid` as it is for `purpose`."""
        return self._of(purpose).by_kid.get(kid)

    def open(self, purpose: str, token: str, now: float) -> dict[str, Any] | None:
        """Return what was sealed, or None for anything that this purpose did not seal or that has expired."""
        if len(token) > compact.MAX_TOKEN or not token.isascii():
            return None
        header, *parts = token.encode("ascii").split(b".")
        # We know the headers that we write to the byte, so a lookup reads them: nothing a stranger wrote is parsed.
        key = self._of(purpose).by_header.get(header)
        if key is None or len(parts) != 4 or parts[0]:
            return None
        try:
            return key.open(parts[1:], now)
        except BadToken:
            return None

    def _of(self, purpose: str) -> _Purpose:
        """Derive the keys of a purpose when it is first used; purposes are named in code, so they are few."""
        if (found := self._purposes.get(purpose)) is None:
            seals = [Seal(kid, secret, purpose) for kid, secret in self._secrets.items()]
            found = _Purpose({seal.kid: seal for seal in seals}, {seal.header: seal for seal in seals})
            self._purposes[purpose] = found
        return found


def _derive(secret: bytes, kind: str, purpose: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=f"idp {kind} {purpose}".encode()).derive(secret)
