"""The strict half of compact serialization: what has one reading alone (RFC 7515 §2, RFC 8725 §2.4)."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from keys.errors import BadToken

MAX_TOKEN = 8_192  # characters
MAX_HEADER = 1_024  # characters, still encoded

# With these, what is signed would be something else; nobody here understands them, so nobody may ignore them (§4.1.11).
_CHANGES_MEANING = frozenset({"crit", "b64", "zip"})

_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Jws(NamedTuple):
    """A token in its parts; nobody has looked at the signature yet."""

    header: dict[str, Any]
    signed: bytes  # the signing input
    payload: bytes  # still encoded
    signature: bytes

    def claims(self) -> dict[str, Any]:
        """The payload, a JSON object."""
        return load(b64decode(self.payload))


def split(token: str, *, most: int = MAX_TOKEN, most_header: int = MAX_HEADER) -> Jws:
    """Take a compact JWS apart; sizes, in characters, are judged before anything is decoded.

    Raises:
        BadToken: too long, not in three parts, not base64url, or the header is no object that has its usual meaning.
    """
    if len(token) > most or not token.isascii():
        raise BadToken("the token is too long, or not base64url")
    parts = token.encode("ascii").split(b".", 3)
    if len(parts) != 3 or len(parts[0]) > most_header:
        raise BadToken("not a compact JWS, or its header is too long")
    head, payload, signature = parts
    header = load(b64decode(head))
    if refused := header.keys() & _CHANGES_MEANING:
        raise BadToken(f"the header has {sorted(refused)[0]}")
    return Jws(header, b"%b.%b" % (head, payload), payload, b64decode(signature))


def b64encode(data: bytes) -> bytes:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def b64text(data: bytes) -> str:
    """Likewise, as text."""
    return b64encode(data).decode("ascii")


def b64decode(text: bytes) -> bytes:
    """Decode base64url, unpadded and canonical.

    Raises:
        BadToken: another alphabet, padding, or trailing bits; so that a token has one spelling.
    """
    try:
        data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        raise BadToken("not base64url") from None
    # Python's decoder skips foreign characters and drops trailing bits: only the way back tells.
    if b64encode(data) != text:
        raise BadToken("not canonical base64url")
    return data


def dump(members: Mapping[str, object]) -> bytes:
    """Write JSON without spaces, in ASCII: a lone surrogate that came in stays harmless."""
    return _ENCODE(dict(members)).encode("ascii")


def load(data: bytes) -> dict[str, Any]:
    """Read a JSON object without repeated names, NaN or infinity.

    Raises:
        BadToken: anything else.
    """
    found = value(data)
    if not isinstance(found, dict):
        raise BadToken("not a JSON object")
    return found


def value(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON of any kind, likewise without repeated names, NaN or infinity.

    Raises:
        BadToken: anything else.
    """
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadToken("not JSON") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadToken("a member is repeated")
    return found


def _refuse(_constant: str) -> NoReturn:
    raise BadToken("not a JSON number")
