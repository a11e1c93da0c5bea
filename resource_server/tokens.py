"""Access tokens as signed JWTs, RFC 9068: the header and the signature, before a word of the payload is believed."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from resource_server import jws
from resource_server.errors import InvalidToken
from resource_server.signing_key import SigningKey

Typ = Literal["at+jwt", "JWT"]

# Asymmetric only: with a symmetric one allowed, a public key would do as the secret.
ALGORITHMS = frozenset({"ES256", "RS256", "PS256", "EdDSA"})
# Keys are named by `kid` and come from the IdP alone; what must be understood (`crit`, `b64`) is not.
REFUSED_PARAMETERS = frozenset({"crit", "b64", "jwk", "jku", "x5c", "x5u"})


def verified(token: str, key_of: Callable[[str], SigningKey | None], typ: Typ = "at+jwt") -> dict[str, Any]:
    """The claims of a token that the IdP signed as an access token; the claims themselves are not judged here.

    `key_of` looks a `kid` up among the IdP's keys; what it raises passes through.

    Raises:
        InvalidToken: anything about the token's form, header or signature is wrong.
    """
    try:
        compact = jws.parse(token)
        _judge(compact.header, typ)
        key = key_of(compact.header["kid"])
        if key is None:
            raise InvalidToken("the token is signed with an unknown key")
        key.check(compact.header["alg"], compact.signed, compact.signature)
        return compact.payload()
    except jws.Malformed:
        raise InvalidToken("the token is not a signed JWT") from None


def _judge(header: Mapping[str, Any], typ: Typ) -> None:
    # An ID token or a logout token of the same IdP has another `typ` (RFC 9068 §4).
    if str(header.get("typ")).lower().removeprefix("application/") != typ.lower():
        raise InvalidToken("the token is not an access token")
    if not isinstance(header.get("alg"), str) or header["alg"] not in ALGORITHMS:
        raise InvalidToken("the token's algorithm is not allowed")
    if not isinstance(header.get("kid"), str):
        raise InvalidToken("the token names no key")
    if REFUSED_PARAMETERS & header.keys():
        raise InvalidToken("the token's header holds a parameter that is not supported")
