"""The signature algorithms we sign with: RFC 7518 §3.3-3.5 and EdDSA with Ed25519 (RFC 8037)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OKPKey, RSAKey

PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey
PublicKey = EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # of a JWK: RFC 7518 §6

_SHA256 = SHA256()
_ECDSA = ECDSA(_SHA256)
_PKCS1 = PKCS1v15()
_PSS = PSS(mgf=MGF1(_SHA256), salt_length=_SHA256.digest_size)  # RFC 7518 §3.5: salt as long as the digest


@dataclass(frozen=True)
class Algorithm:
    """How one `alg` makes, uses and checks keys; `sign` and `verify` get keys of its own type only."""

    jwk: Any  # joserfc's class for its keys
    public_type: type
    generate: Callable[[], PrivateKey]
    sign: Callable[[Any, bytes], bytes]
    verify: Callable[[Any, bytes, bytes], None]  # (public key, signature, message); raises InvalidSignature


def _sign_es256(key: EllipticCurvePrivateKey, message: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(message, _ECDSA))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")  # RFC 7518 §3.4: R || S, not DER


def _verify_es256(key: EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
    if len(signature) != 64:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(encode_dss_signature(r, s), message, _ECDSA)


def _generate_rsa() -> RSAPrivateKey:
    return generate_rsa(public_exponent=65_537, key_size=2_048)


ALGORITHMS: Mapping[str, Algorithm] = {
    "ES256": Algorithm(ECKey, EllipticCurvePublicKey, lambda: generate_ec(SECP256R1()), _sign_es256, _verify_es256),
    "RS256": Algorithm(
        RSAKey,
        RSAPublicKey,
        _generate_rsa,
        lambda key, message: key.sign(message, _PKCS1, _SHA256),
        lambda key, signature, message: key.verify(signature, message, _PKCS1, _SHA256),
    ),
    "PS256": Algorithm(
        RSAKey,
        RSAPublicKey,
        _generate_rsa,
        lambda key, message: key.sign(message, _PSS, _SHA256),
        lambda key, signature, message: key.verify(signature, message, _PSS, _SHA256),
    ),
    "EdDSA": Algorithm(
        OKPKey,
        Ed25519PublicKey,
        Ed25519PrivateKey.generate,
        lambda key, message: key.sign(message),
        lambda key, signature, message: key.verify(signature, message),
    ),
}
