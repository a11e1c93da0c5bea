"""A client that holds a key and proves it with each request (RFC 9449 §4)."""

import hashlib
import secrets
import time

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key

from keys import compact
from keys.algorithms import ALGORITHMS


class Holder:
    """A P-256 key and its proofs."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._key: EllipticCurvePrivateKey = generate_private_key(SECP256R1())
        point = self._key.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": _coordinate(point.x), "y": _coordinate(point.y)}
        self._header = compact.b64encode(compact.dump({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}))

    def proof(self, method: str, path: str, token: str | None = None) -> str:
        """For one request, with the access token that it presents."""
        claims: dict[str, object] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": self._issuer + path,
            "iat": int(time.time()),
        }
        if token is not None:
            claims["ath"] = compact.b64encode(hashlib.sha256(token.encode()).digest()).decode()
        signed = b"%b.%b" % (self._header, compact.b64encode(compact.dump(claims)))
        signature = compact.b64encode(ALGORITHMS["ES256"].sign(self._key, signed))
        return f"{signed.decode()}.{signature.decode()}"


def _coordinate(number: int) -> str:
    return compact.b64encode(number.to_bytes(32)).decode()
