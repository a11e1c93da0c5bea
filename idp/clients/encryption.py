"""What only one client can read: JWE (RFC 7516) to a key that it published, around a token that we signed, or JSON.

A client asks for it by registering `<kind>_encrypted_response_alg` and `…_enc` (OpenID Connect Registration §2), where
the kind is `id_token`, `userinfo`, `authorization` (JARM §3) or `introspection` (RFC 9701 §6).
"""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.clients import keys
from idp.clients.models import Client
from idp.errors import InvalidRequest

CONTENT = ("A128GCM", "A256GCM")  # RFC 7518 §5.3

# RFC 7518 §4.3 and §4.6, RFC 8037 §3.2: which keys an algorithm takes, by type and curve.
_KINDS: Mapping[str, Mapping[tuple[str, str | None], Any]] = {
    "RSA-OAEP-256": {("RSA", None): RSAKey},
    "ECDH-ES": {("EC", "P-256"): ECKey, ("EC", "P-384"): ECKey, ("EC", "P-521"): ECKey, ("OKP", "X25519"): OKPKey},
}
ALGORITHMS = tuple(_KINDS)


def wanted(client: Client, kind: str) -> bool:
    """Whether the client registered encryption for this kind."""
    return f"{kind}_encrypted_response_alg" in client.client_metadata


def nested(client: Client, kind: str, signed: str) -> str:
    """The signed token itself, or encrypted if the client wants that (RFC 7519 §5.2)."""
    return encrypt(client, kind, signed, cty="JWT") if wanted(client, kind) else signed


def announced(kind: str) -> dict[str, list[str]]:
    """What discovery says about this kind."""
    return {
        f"{kind}_encryption_alg_values_supported": list(ALGORITHMS),
        f"{kind}_encryption_enc_values_supported": list(CONTENT),
    }


def encrypt(client: Client, kind: str, content: str | bytes, *, cty: str | None) -> str:
    """Encrypt to the client; `cty` says what is inside: "JWT" for a signed token.

    Needs no transaction, and must not run within one: the client's key set may have to be fetched.

    Raises:
        InvalidRequest: the client has published no key for its algorithm.
    """
    alg = client.client_metadata[f"{kind}_encrypted_response_alg"]
    enc = client.client_metadata.get(f"{kind}_encrypted_response_enc", CONTENT[0])
    for jwk in keys.keys_of(client):
        if key := _usable(jwk, alg):
            header = {"alg": alg, "enc": enc, "kid": jwk.get("kid"), "cty": cty}
            protected = {name: value for name, value in header.items() if value is not None}
            return jwe.encrypt_compact(protected, content, key, algorithms=[alg, enc])
    raise InvalidRequest("the client has published no key to encrypt for", private=f"{client.client_id}: {alg}")


def _usable(jwk: keys.Jwk, alg: str) -> Any:  # noqa: ANN401 - a key of joserfc
    """The key, if it is of the algorithm's kind and not meant for something else."""
    found = _KINDS[alg].get((str(jwk.get("kty")), None if jwk.get("kty") == "RSA" else jwk.get("crv")))
    if found is None or jwk.get("use", "enc") != "enc" or jwk.get("alg", alg) != alg:
        return None
    try:
        key = found.import_key(dict(jwk))
        strong = not isinstance(key.public_key, RSAPublicKey) or 2048 <= key.public_key.key_size <= 8192
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key if strong else None
