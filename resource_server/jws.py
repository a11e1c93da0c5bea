"""The compact form of a JWS (RFC 7515 §7.1), taken apart before a word of it is believed."""

import json
import re
from dataclasses import dataclass
from typing import Any

from joserfc.util import urlsafe_b64decode

MAX_TOKEN = 8192  # characters; looked at before anything is decoded
MAX_HEADER = 1024

_COMPACT = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)


class Malformed(Exception):
    """It is no JWS of a JSON object."""


@dataclass(frozen=True)
class Compact:
    """A JWS: its header, and the segments that a key judges."""

    header: dict[str, Any]
    signed: str
    signature: str

    def payload(self) -> dict[str, Any]:
        """The claims; raises `Malformed`. Only after the signature was found good."""
        return _object(self.signed.partition(".")[2])


def parse(text: str) -> Compact:
    """Take a compact JWS apart; raises `Malformed`."""
    parts = _COMPACT.fullmatch(text) if len(text) <= MAX_TOKEN else None
    if parts is None or len(parts[1]) > MAX_HEADER:
        raise Malformed
    return Compact(_object(parts[1]), f"{parts[1]}.{parts[2]}", parts[3])


def _object(segment: str) -> dict[str, Any]:
    try:
        # joserfc's decoder refuses padding and stray bits, so a token has one spelling.
        value = json.loads(urlsafe_b64decode(segment.encode()))
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(value, dict):
        raise Malformed
    return value
