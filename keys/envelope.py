"""Keys at rest: each is encrypted under its own random data key, which a key-encryption key (KEK) wraps.

Changing the KEK therefore rewraps 32 bytes a row and leaves the keys alone. `kid`, `use` and `alg` are additional
data of both layers, so a sealed key opens in its own row only. AES-256-GCM, NIST SP 800-38D.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys import compact
from keys.errors import CannotUnseal, WrongKek

_IV = 12  # bytes
_WRAPPED = _IV + 32 + 16  # bytes: IV, data key, tag


class Kek:
    """A key-encryption key. A key management service takes its place by offering `id`, `wrap` and `unwrap`."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise ValueError("a key-encryption key has 32 bytes")
        self._aead = AESGCM(secret)
        # The secret is 256 random bits, so a digest of it gives nothing away.
        self.id = hashlib.sha256(b"kek id\0" + secret).hexdigest()[:12]

    def wrap(self, data_key: bytes, bound_to: bytes) -> bytes:
        """Encrypt a data key of 32 bytes; 60 bytes come out."""
        return _encrypt(self._aead, data_key, bound_to)

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return the data key, or raise CannotUnseal."""
        return _decrypt(self._aead, wrapped, bound_to)


class Keks:
    """The configured key-encryption keys: the first seals, all of them unseal."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise ValueError("at least one key-encryption key is needed")
        self._first = Kek(secrets[0])
        self._by_id = {kek.id: kek for kek in map(Kek, secrets)}

    @property
    def first_id(self) -> str:
        """The `sealed_by` of what is sealed from now on."""
        return self._first.id

    def seal(self, secret: bytes, *, kid: str, use: str, alg: str) -> tuple[bytes, str]:
        """Return the sealed secret, and the id of the KEK that sealed it."""
        data_key, bound_to = os.urandom(32), _bound_to(kid, use, alg)
        return self._first.wrap(data_key, bound_to) + _encrypt(AESGCM(data_key), secret, bound_to), self._first.id

    def unseal(self, sealed: bytes, sealed_by: str, *, kid: str, use: str, alg: str) -> bytes:
        """Return the secret, or raise WrongKek or CannotUnseal."""
        bound_to = _bound_to(kid, use, alg)
        data_key = self._unwrap(sealed, sealed_by, kid, bound_to)
        return _decrypt(AESGCM(data_key), sealed[_WRAPPED:], bound_to)

    def rewrap(self, sealed: bytes, sealed_by: str, *, kid: str, use: str, alg: str) -> tuple[bytes, str]:
        """Wrap the data key by the first KEK; what it encrypts stays as it is."""
        bound_to = _bound_to(kid, use, alg)
        data_key = self._unwrap(sealed, sealed_by, kid, bound_to)
        return self._first.wrap(data_key, bound_to) + sealed[_WRAPPED:], self._first.id

    def _unwrap(self, sealed: bytes, sealed_by: str, kid: str, bound_to: bytes) -> bytes:
        kek = self._by_id.get(sealed_by)
        if kek is None:
            raise WrongKek(
                f"key {kid} was sealed by key-encryption key {sealed_by}, which is not configured"
                f" (configured: {', '.join(self._by_id)}); add it to the previous ones"
            )
        return kek.unwrap(sealed[:_WRAPPED], bound_to)


def new_kek() -> str:
    """A fresh key-encryption key as base64url, in the form that `parse_kek` reads."""
    return compact.b64text(os.urandom(32))


def parse_kek(text: str) -> bytes:
    """Read a key-encryption key: 32 bytes, as 43 characters of base64url (padding allowed) or 64 of hex.

    Raises:
        ValueError: anything else; the message does not repeat the text.
    """
    text = text.strip()
    try:
        if len(text) == 64:
            return bytes.fromhex(text)
        unpadded = text.rstrip("=").encode("ascii")
        secret = base64.b64decode(unpadded + b"=" * (-len(unpadded) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        secret = b""
    if len(secret) != 32:
        raise ValueError("a key-encryption key is 32 random bytes as base64url (43 characters) or hex (64 characters)")
    return secret


def _bound_to(kid: str, use: str, alg: str) -> bytes:
    return "\0".join(("signing_key", kid, use, alg)).encode()


def _encrypt(aead: AESGCM, data: bytes, bound_to: bytes) -> bytes:
    iv = os.urandom(_IV)
    return iv + aead.encrypt(iv, data, bound_to)


def _decrypt(aead: AESGCM, data: bytes, bound_to: bytes) -> bytes:
    try:
        return aead.decrypt(data[:_IV], data[_IV:], bound_to)
    except (InvalidTag, ValueError):
        raise CannotUnseal("a sealed key was changed, or moved to another row") from None
