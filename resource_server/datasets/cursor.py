"""Cursors: where a page ended, signed for the one person who was told."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

_MAC: Final = 16  # bytes


class BadCursor(Exception):
    """Not a cursor that this person was given for this order."""


@dataclass(frozen=True)
class Position:
    """The last item of a page: its value in the order, and its id."""

    sort: str
    value: str | datetime
    id: UUID


class Cursors:
    """Writes and reads cursors; all processes of a service must have the same key."""

    def __init__(self, key: str) -> None:
        self._key = hmac.digest(key.encode(), b"cursor", hashlib.sha256)

    def write(self, position: Position, sub: str) -> str:
        """The cursor, base64url."""
        value = position.value if isinstance(position.value, str) else position.value.isoformat()
        payload = json.dumps([position.sort, value, str(position.id)]).encode()
        return _spelled(self._mac(payload, sub) + payload)

    def read(self, cursor: str, sub: str, sort: str) -> Position:
        """The position.

        Raises:
            BadCursor: it was made for another person or order, or not by us.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise BadCursor from None
        # The bits that base64 leaves over at the end would make other spellings of the same cursor.
        if _spelled(raw) != cursor:
            raise BadCursor
        if not hmac.compare_digest(raw[:_MAC], self._mac(raw[_MAC:], sub)):
            raise BadCursor
        made_for, value, identifier = json.loads(raw[_MAC:])
        if made_for != sort:
            raise BadCursor
        position = datetime.fromisoformat(value) if sort.endswith("created_at") else value
        return Position(sort, position, UUID(identifier))

    def _mac(self, payload: bytes, sub: str) -> bytes:
        return hmac.digest(self._key, sub.encode() + b"\0" + payload, hashlib.sha256)[:_MAC]


def _spelled(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
