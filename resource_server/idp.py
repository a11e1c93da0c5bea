"""What the IdP publishes about itself: its endpoints (OpenID Connect Discovery §4) and its keys (RFC 7517)."""

import json
import logging
import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from resource_server import signing_key
from resource_server.errors import Unavailable
from resource_server.fetch import Fetch
from resource_server.signing_key import SigningKey

MAX_AGE = 600  # seconds after which a document is fetched again, so that a withdrawn key is forgotten
PAUSE = 60  # seconds between fetches for unknown keys, and after a failed one while an older document is at hand
FIRST_PAUSE = 1  # seconds after a failed fetch while there is nothing at hand

T = TypeVar("T")
log = logging.getLogger(__name__)


class Published(Generic[T]):
    """A document of the IdP: fetched when first needed and when old; the last good one stays while the IdP is away."""

    def __init__(self, load: Callable[[], T], now: Callable[[], float]) -> None:
        self._load, self._now = load, now
        self._lock = threading.Lock()
        self._value: T | None = None
        self._failure = "nothing fetched yet"
        self._loaded_at = self._due_at = self._renewable_at = -math.inf

    def get(self) -> T:
        """The document; raises `Unavailable` only if there never was one."""
        # With an old document at hand one thread fetches and the others go on; without one they wait for it.
        if self._now() >= self._due_at and self._lock.acquire(blocking=self._value is None):
            try:
                if self._now() >= self._due_at:
                    self._fetch()
            finally:
                self._lock.release()
        if self._value is None:
            raise Unavailable(self._failure)
        return self._value

    def newer(self, than: float) -> T:
        """The document as fetched after that moment, if none was fetched for this reason within the last minute."""
        with self._lock:
            if self._loaded_at < than and self._now() >= self._renewable_at:
                self._renewable_at = self._now() + PAUSE
                self._fetch()
        return self.get()

    def _fetch(self) -> None:
        try:
            self._value = self._load()
        except Unavailable as error:
            self._failure = str(error)
            self._due_at = self._now() + (FIRST_PAUSE if self._value is None else PAUSE)
            log.warning("%s", error)
        else:
            self._loaded_at = self._now()
            self._due_at = self._loaded_at + MAX_AGE


class IdentityProvider:
    """The IdP behind an issuer URL, trusted for its keys and for nothing that a token says about itself."""

    def __init__(self, issuer: str, fetch: Fetch, now: Callable[[], float]) -> None:
        self.issuer = issuer
        self._fetch, self._now = fetch, now
        self._discovery = Published(self._load_discovery, now)
        self._keys = Published(self._load_keys, now)

    def endpoint(self, name: str) -> str:
        """A URL of the discovery document, such as `jwks_uri`."""
        url = self._discovery.get().get(name)
        # An IdP on https cannot send us, or our secret, to a plain connection.
        if not isinstance(url, str) or not url.startswith(self.issuer.partition("://")[0] + "://"):
            raise Unavailable(f"the identity provider's discovery names no usable {name}")
        return url

    def key(self, kid: str) -> SigningKey | None:
        """The signing key of that name; one that is not known is looked for at the IdP, at most once a minute."""
        asked_at = self._now()
        keys = self._keys.get()
        return keys.get(kid) or self._keys.newer(asked_at).get(kid)

    def ask(
        self, url: str, *, form: Mapping[str, str] | None = None, authorization: str | None = None
    ) -> dict[str, Any]:
        """The JSON object that the IdP answers with status 200; anything else is `Unavailable`."""
        try:
            status, body = self._fetch(url, form=form, authorization=authorization)
        except OSError as error:
            raise Unavailable(f"the identity provider cannot be reached: {type(error).__name__}") from error
        try:
            answer = json.loads(body) if status == 200 else None
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise Unavailable(f"the identity provider answered {status} and no JSON object")
        return answer

    def _load_discovery(self) -> dict[str, Any]:
        document = self.ask(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        # OpenID Connect Discovery §4.3: exactly the issuer, or somebody else answers for it.
        if document.get("issuer") != self.issuer:
            raise Unavailable("the discovery document is another issuer's")
        return document

    def _load_keys(self) -> dict[str, SigningKey]:
        published = self.ask(self.endpoint("jwks_uri")).get("keys")
        if not isinstance(published, list):
            raise Unavailable("the identity provider's key set has no keys")
        keys = (signing_key.read(jwk) for jwk in published)
        return {key.kid: key for key in keys if key is not None and key.kid}
