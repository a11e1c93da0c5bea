"""A public key of the IdP (RFC 7517), which judges signatures and remembers the good ones."""

import logging
from functools import lru_cache

from joserfc.errors import JoseError
from joserfc.jwk import DictKey, JWKRegistry, Key
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from resource_server.errors import InvalidToken

log = logging.getLogger(__name__)


class SigningKey:
    """A key under its `kid`; `check(alg, signed, signature)` raises `InvalidToken` for a signature that is not its."""

    def __init__(self, key: Key) -> None:
        self.kid = key.kid
        self._key = key
        # A client shows the same token for minutes, and this is most of the work. A withdrawn key takes its memory
        # along, and an exception is not remembered, so forgeries push nothing out.
        self.check = lru_cache(maxsize=1024)(self._check)

    def _check(self, alg: str, signed: str, signature: str) -> None:
        algorithm = JWSRegistry.algorithms[alg]
        try:
            algorithm.check_key(self._key)  # its type, its curve, its own `alg` and `use`
            good = algorithm.verify(signed.encode(), urlsafe_b64decode(signature.encode()), self._key)
        except (JoseError, ValueError):
            good = False
        if not good:
            raise InvalidToken("the token's signature is wrong")


def read(jwk: DictKey) -> SigningKey | None:
    """The key, or None for what is not understood (RFC 7517 §5)."""
    try:
        return SigningKey(JWKRegistry.import_key(jwk))
    except Exception as error:
        # The parser fails in many ways, and one strange key must not take the others away.
        kid = str(jwk.get("kid"))[:100] if isinstance(jwk, dict) else None
        log.warning("a key of the identity provider is not understood: kid %r, %s", kid, type(error).__name__)
        return None
