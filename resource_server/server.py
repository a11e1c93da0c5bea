"""The resource server's side of OAuth 2.0: from an `Authorization` header to a believed `Principal`."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from resource_server.errors import Refused
from resource_server.fetch import Fetch, fetch
from resource_server.principal import Principal

Check = Literal["offline", "introspect"]


class ResourceServer:
    """What one resource server accepts: whose tokens, for which audience, and how they are checked.

    Args:
        issuer: the IdP, byte for byte as in its tokens and its discovery document.
        audience: what `aud` must contain; also the `resource` of the metadata (RFC 9728).
        check: "offline" verifies signatures with the IdP's cached keys; a revoked token lives until it expires (5
            minutes). "introspect" asks the IdP about each token (RFC 7662): revocation counts at once.
        client_id: who asks, with `client_secret`; for "introspect" alone.
        typ: the `typ` of access tokens; "JWT" only where the IdP was told so for this audience.
        scopes: what the metadata announces.
        leeway: seconds by which clocks may differ.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        check: Check = "offline",
        client_id: str | None = None,
        client_secret: str | None = None,
        typ: Literal["at+jwt", "JWT"] = "at+jwt",
        scopes: Sequence[str] = (),
        leeway: int = 30,
        fetch: Fetch = fetch,
        now: Callable[[], float] = time.time,
    ) -> None:
        raise NotImplementedError

    def authenticate(self, authorization_headers: Sequence[str]) -> Principal:
        """The bearer of the request's one token; all `Authorization` headers are handed in.

        Raises:
            Refused: no token (401 without a code), a bad one (401), two headers (400).
            Unavailable: nobody can tell now.
        """
        raise NotImplementedError

    def verify(self, token: str) -> Principal:
        """The same for a token that did not come in a header, such as one a portal keeps in its session."""
        raise NotImplementedError

    def challenge(self, refused: Refused) -> str:
        """The `WWW-Authenticate` value (RFC 6750 §3) with the way to the metadata (RFC 9728 §5.1)."""
        raise NotImplementedError

    def metadata(self) -> dict[str, Any]:
        """The protected resource metadata, RFC 9728 §2."""
        raise NotImplementedError
