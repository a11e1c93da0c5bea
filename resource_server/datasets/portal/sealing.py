"""What the browser and the database keep for the portal without being able to read it.

JWE (RFC 7516), `dir` with A256GCM; each purpose has a key of its own, derived by HKDF (RFC 5869) from
`DATASETS_SESSION_KEY`, so that one kind of text never passes for another.
"""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey


class Seal:
    """Seals, opens and authenticates; every process with the same session key understands the others."""

    def __init__(self, session_key: str, now: Callable[[], float]) -> None:
        self._session_key, self._now = session_key.encode(), now
        self._key = cache(self._derive)

    def seal(self, purpose: str, payload: Mapping[str, Any], *, expires_at: float) -> str:
        """A compact JWE that opens until `expires_at`, seconds since the epoch."""
        header = {"alg": "dir", "enc": "A256GCM", "typ": f"portal-{purpose}+jwe"}
        text = json.dumps({**payload, "exp": int(expires_at)}).encode()
        return jwe.encrypt_compact(header, text, OctKey.import_key(self._key(purpose)))

    def open(self, purpose: str, text: str) -> dict[str, Any] | None:
        """What was sealed; None for a text that is damaged, over, of another purpose or not ours."""
        try:
            found = jwe.decrypt_compact(text, OctKey.import_key(self._key(purpose)), algorithms=["dir", "A256GCM"])
            payload: dict[str, Any] = json.loads(found.plaintext or b"")
        except (JoseError, ValueError):
            return None
        return payload if self._now() < payload["exp"] else None

    def mac(self, purpose: str, *parts: str) -> str:
        """43 base64url characters that only we can make of these parts; they contain no line break."""
        found = hmac.digest(self._key(purpose), "\n".join(parts).encode(), "sha256")
        return urlsafe_b64encode(found).rstrip(b"=").decode()

    def _derive(self, purpose: str) -> bytes:
        return HKDF(SHA256(), length=32, salt=None, info=f"portal {purpose}".encode()).derive(self._session_key)
