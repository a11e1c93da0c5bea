"""Access tokens as signed JWTs, RFC 9068: the header and the signature, before a word of the payload is believed."""

import json
import re
from collections.abc import Callable
from typing import Any, Literal

from joserfc.util import urlsafe_b64decode

from resource_server.errors import InvalidToken
from resource_server.signing_key import SigningKey

Typ = Literal["at+jwt", "JWT"]

MAX_TOKEN = 8192  # characters; looked at before anything is decoded
MAX_HEADER = 1024
# Asymmetric only: with a symmetric one allowed, a public key would do as the secret.
ALGORITHMS = frozenset({"ES256", "RS256", "PS256", "EdDSA"})
# Keys are named by `kid` and come from the IdP alone; what must be understood (`crit`, `b64`) is not.
REFUSED_PARAMETERS = frozenset({"crit", "b64", "jwk", "jku", "x5c", "x5u"})

_COMPACT = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)


def verified(token: str, key_of: Callable[[str], SigningKey | None], typ: Typ = "at+jwt") -> dict[str, Any]:
    """The claims of a token that the IdP signed as an access token; the claims themselves are not judged here.

    `key_of` looks a `kid` up among the IdP's keys; what it raises passes through.

    Raises:
        InvalidToken: anything about the token's form, header or signature is wrong.
    """
    parts = _COMPACT.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if parts is None:
        raise InvalidToken("the token is not a signed JWT")
    header_segment, payload_segment, signature = parts.groups()
    header = _header(header_segment, typ)
    key = key_of(header["kid"])
    if key is None:
        raise InvalidToken("the token is signed with an unknown key")
    key.check(header["alg"], f"{header_segment}.{payload_segment}", signature)
    return _object(payload_segment)


def _header(segment: str, typ: Typ) -> dict[str, Any]:
    header = _object(segment) if len(segment) <= MAX_HEADER else {}
    # An ID token or a logout token of the same IdP has another `typ` (RFC 9068 §4).
    if str(header.get("typ")).lower().removeprefix("application/") != typ.lower():
        raise InvalidToken("the token is not an access token")
    if not isinstance(header.get("alg"), str) or header["alg"] not in ALGORITHMS:
        raise InvalidToken("the token's algorithm is not allowed")
    if not isinstance(header.get("kid"), str):
        raise InvalidToken("the token names no key")
    if REFUSED_PARAMETERS & header.keys():
        raise InvalidToken("the token's header holds a parameter that is not supported")
    return header


def _object(segment: str) -> dict[str, Any]:
    try:
        # joserfc's decoder refuses padding and stray bits, so a token has one spelling.
        value = json.loads(urlsafe_b64decode(segment.encode()))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidToken("the token is not a signed JWT")
    return value
