"""A public key that a message brings along (RFC 9449 §4.2 `jwk`): read strictly, and named by its thumbprint.

Such a key is whoever's who made it, so it must not cost us much: only the kinds, sizes and exponents that anybody uses.
Read by hand on cryptography (5 us where joserfc takes 25), like everything that a request waits for.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from keys import compact
from keys.algorithms import PRIVATE_MEMBERS, PublicKey
from keys.errors import BadToken

_P256 = SECP256R1()
_RSA_BITS = range(2048, 4097)
# A check of a signature takes as long as the exponent is; every library makes 65537.
_RSA_E = "AQAB"


@dataclass(frozen=True, slots=True)
class Brought:
    """A public key, and the thumbprint that names it (RFC 7638): 43 characters of base64url."""

    key: PublicKey
    thumbprint: str


def read(jwk: object, alg: str) -> Brought:
    """The key, if `alg` (one of the caller's choice) can use it.

    Raises:
        BadToken: no JWK, of another kind, too weak or too large, or with private parts.
    """
    if not isinstance(jwk, dict):
        raise BadToken("jwk is no JSON object")
    if jwk.keys() & PRIVATE_MEMBERS:
        raise BadToken("jwk has private members")
    try:
        return _KINDS[alg](jwk)
    except ValueError:
        raise BadToken("jwk is no valid key") from None


def _ec(jwk: Mapping[str, Any]) -> Brought:
    _refuse_others(jwk, kty="EC", crv="P-256")
    x, y = _octets(jwk, "x", 32), _octets(jwk, "y", 32)
    key = EllipticCurvePublicKey.from_encoded_point(_P256, b"\x04" + x + y)  # checks that it lies on the curve
    return Brought(key, _thumbprint(f'{{"crv":"P-256","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'))


def _okp(jwk: Mapping[str, Any]) -> Brought:
    _refuse_others(jwk, kty="OKP", crv="Ed25519")
    key = Ed25519PublicKey.from_public_bytes(_octets(jwk, "x", 32))
    return Brought(key, _thumbprint(f'{{"crv":"Ed25519","kty":"OKP","x":"{jwk["x"]}"}}'))


def _rsa(jwk: Mapping[str, Any]) -> Brought:
    _refuse_others(jwk, kty="RSA", e=_RSA_E)
    octets = _octets(jwk, "n", None)
    n = int.from_bytes(octets)
    # RFC 7518 §2: no leading zero octets, so that a number has one spelling and one thumbprint.
    if n.bit_length() not in _RSA_BITS or octets[0] == 0:
        raise BadToken("the RSA modulus has too few or too many bits")
    return Brought(
        RSAPublicNumbers(65_537, n).public_key(), _thumbprint(f'{{"e":"AQAB","kty":"RSA","n":"{jwk["n"]}"}}')
    )


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Brought]] = {
    "ES256": _ec,
    "EdDSA": _okp,
    "PS256": _rsa,
    "RS256": _rsa,
}


def _refuse_others(jwk: Mapping[str, Any], **expected: str) -> None:
    if any(jwk.get(name) != value for name, value in expected.items()):
        raise BadToken("the key is not of the algorithm's kind")


def _octets(jwk: Mapping[str, Any], name: str, length: int | None) -> bytes:
    """A member's octets; canonical, since the thumbprint is of the text."""
    value = jwk.get(name)
    if not isinstance(value, str):
        raise BadToken(f"{name} is not base64url")
    octets = compact.b64decode(value.encode())
    if length not in (None, len(octets)):
        raise BadToken(f"{name} has another length")
    return octets


def _thumbprint(canonical: str) -> str:
    """RFC 7638 §3: SHA-256 of the required members in the alphabet's order, without spaces."""
    return compact.b64text(hashlib.sha256(canonical.encode()).digest())
