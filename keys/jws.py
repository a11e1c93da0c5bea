"""Signed tokens: JWS compact serialization (RFC 7515) with one fixed algorithm for each key (RFC 8725 §3.1)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from keys import compact
from keys.algorithms import ALGORITHMS, PrivateKey, PublicKey
from keys.errors import BadToken, NoActiveKey

# Ours have no other, so every way to bring a key along (`jwk`, `jku`, `x5u`, …) is refused.
_HEADER = frozenset({"alg", "kid", "typ"})


@dataclass(frozen=True)
class NewKey:
    """A fresh pair: the private part as PKCS #8 DER, the public part as a JWK."""

    private: bytes = field(repr=False)
    public_jwk: dict[str, Any]


def generate(kid: str, alg: str) -> NewKey:
    """Make a pair for `alg`; RSA takes some 40 ms."""
    private = ALGORITHMS[alg].generate()
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return NewKey(der, _public_jwk(private.public_key(), kid, alg))


class SigningKey:
    """A key of use `sig`; without its private part, when it is retired, it only verifies."""

    def __init__(self, kid: str, alg: str, public_jwk: Mapping[str, Any], private: bytes | None) -> None:
        self.kid, self.alg, self._algorithm = kid, alg, ALGORITHMS[alg]
        self._private = _load_private(private) if private else None
        # What the database says in the clear counts only where nothing that we sealed says it.
        self._public = self._private.public_key() if self._private else _load_public(public_jwk, alg)
        if not isinstance(self._public, self._algorithm.public_type):
            raise ValueError(f"key {kid} is not of a type for {alg}")
        self.public_jwk = _public_jwk(self._public, kid, alg)
        self._headers: dict[str | None, bytes] = {}
        # The same token comes again for minutes, and this is most of the work. A withdrawn key takes its memory along,
        # and an exception is not remembered, so forgeries push nothing out.
        self.check = lru_cache(maxsize=1024)(self._check)

    def sign(self, claims: Mapping[str, object], typ: str | None) -> str:
        """Return the compact JWS of `claims`."""
        if self._private is None:
            raise NoActiveKey(f"key {self.kid} is retired")
        signing_input = b"%b.%b" % (self._header(typ), compact.b64encode(compact.dump(claims)))
        signature = self._algorithm.sign(self._private, signing_input)
        return (b"%b.%b" % (signing_input, compact.b64encode(signature))).decode("ascii")

    def _check(self, signing_input: bytes, signature: bytes) -> None:
        """Raise BadToken unless this key made the signature."""
        try:
            self._algorithm.verify(self._public, signature, signing_input)
        except InvalidSignature:
            raise BadToken("the signature is wrong") from None

    def _header(self, typ: str | None) -> bytes:
        """Return the encoded header, made once for each `typ`: a handful, all of them named in code."""
        if (header := self._headers.get(typ)) is None:
            named = {"alg": self.alg, "kid": self.kid} | ({"typ": typ} if typ else {})
            header = self._headers[typ] = compact.b64encode(compact.dump(named))
        return header


def verify(
    token: str, keys: Mapping[str, SigningKey], *, algorithms: Collection[str], typ: Collection[str | None]
) -> dict[str, Any]:
    """Return the claims of a token that one of `keys` signed; what the claims say is for the caller to judge.

    Args:
        token: as presented.
        keys: by `kid`.
        algorithms: those that the caller accepts; the key's own must be among them.
        typ: the accepted values of the header's `typ`; None accepts its absence.

    Raises:
        BadToken: anything is wrong.
    """
    parts = compact.split(token)
    _choose(parts.header, keys, algorithms, typ).check(parts.signed, parts.signature)
    return parts.claims()


def _choose(
    header: Mapping[str, Any], keys: Mapping[str, SigningKey], algorithms: Collection[str], typ: Collection[str | None]
) -> SigningKey:
    """Take nothing from the header but the `kid`: algorithm and type must be what we expect of that key."""
    if not header.keys() <= _HEADER or not all(isinstance(value, str) for value in header.values()):
        raise BadToken("the header is not one of ours")
    key = keys.get(header.get("kid", ""))
    if key is None:
        raise BadToken("the kid is unknown")
    if header.get("alg") != key.alg or key.alg not in algorithms:
        raise BadToken("the algorithm is not the key's")
    if header.get("typ") not in typ:
        raise BadToken("the typ is another")
    return key


def _load_private(der: bytes) -> PrivateKey:
    # The envelope is authenticated, and OpenSSL's primality tests cost 29 ms a key, every 30 s, in every process.
    return cast("PrivateKey", load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True))


def _load_public(public_jwk: Mapping[str, Any], alg: str) -> PublicKey:
    return cast("PublicKey", ALGORITHMS[alg].jwk.import_key(dict(public_jwk)).public_key)


def _public_jwk(public: PublicKey, kid: str, alg: str) -> dict[str, Any]:
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {**ALGORITHMS[alg].jwk.import_key(pem).as_dict(private=False), "kid": kid, "use": "sig", "alg": alg}
