"""Random credentials: made with a recognisable prefix, kept only as a digest.

The prefix lets secret scanners and people tell what leaked; 256 random bits cannot be searched, so SHA-256 is enough
and scrypt would only cost each redemption its 60 ms.
"""

import hashlib
import secrets


def make(prefix: str) -> str:
    """A new credential: `<prefix>_` and 43 base64url characters (256 bits)."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def digest(credential: str) -> bytes:
    """What the database keeps: SHA-256 of the whole string, so a cut or padded one is another one."""
    return hashlib.sha256(credential.encode()).digest()
