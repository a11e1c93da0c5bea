"""The resource server's side of OAuth 2.0: from an `Authorization` header to a believed `Principal`."""

import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

from resource_server import claims, tokens
from resource_server.errors import InvalidToken, Refused
from resource_server.fetch import Fetch, fetch
from resource_server.idp import IdentityProvider
from resource_server.introspection import introspected
from resource_server.principal import Principal

WELL_KNOWN = "/.well-known/oauth-protected-resource"

_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 §2.1


class ResourceServer:
    """What one resource server accepts: whose tokens, for which audience, and how they are checked.

    Args:
        issuer: the IdP, byte for byte as in its tokens and its discovery document.
        audience: what `aud` must contain; also the `resource` of the metadata (RFC 9728).
        check: "offline" verifies signatures with the IdP's cached keys; a revoked token lives until it expires (5
            minutes). "introspect" asks the IdP about each token (RFC 7662): revocation counts at once.
        client_id: who asks, with `client_secret`; for "introspect" alone.
        typ: the `typ` of access tokens; "JWT" only where the IdP was told so for this audience.
        public_url: where clients reach this server and its metadata; default: the audience.
        scopes: what the metadata announces.
        leeway: seconds by which clocks may differ.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        check: Literal["offline", "introspect"] = "offline",
        client_id: str | None = None,
        client_secret: str | None = None,
        typ: tokens.Typ = "at+jwt",
        public_url: str | None = None,
        scopes: Sequence[str] = (),
        leeway: int = 30,
        fetch: Fetch = fetch,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.issuer, self.audience, self.scopes = issuer, audience, tuple(scopes)
        self._leeway, self._now = leeway, now
        idp = IdentityProvider(issuer, fetch, now)
        self._public_url = urlsplit(public_url or audience)
        if check == "offline":
            self._claims = partial(tokens.verified, key_of=idp.key, typ=typ)
        elif client_id and client_secret:
            self._claims = partial(introspected, idp=idp, client_id=client_id, client_secret=client_secret)
        else:
            raise ValueError('check="introspect" needs client_id and client_secret')

    def authenticate(self, authorization_headers: Sequence[str]) -> Principal:
        """The bearer of the request's one token; all `Authorization` headers are handed in.

        Raises:
            Refused: no token (401 without a code), a bad one (401), two headers (400).
            Unavailable: nobody can tell now.
        """
        headers = list(authorization_headers)
        # A server may join repeated headers by a comma, which no token contains.
        if len(headers) > 1 or any("," in header for header in headers):
            raise Refused(400, "invalid_request", "there must be one Authorization header")
        scheme, _, token = "".join(headers).partition(" ")
        if scheme.lower() != "bearer":
            raise Refused(401)
        return self.verify(token.strip(" "))

    def verify(self, token: str) -> Principal:
        """The same for a token that did not come in a header, such as one a portal keeps in its session."""
        if len(token) > tokens.MAX_TOKEN or not _B64TOKEN.fullmatch(token):
            raise InvalidToken("the token is malformed")
        return claims.principal(
            self._claims(token), issuer=self.issuer, audience=self.audience, now=self._now(), leeway=self._leeway
        )

    def challenge(self, refused: Refused) -> str:
        """The `WWW-Authenticate` value (RFC 6750 §3) with the way to the metadata (RFC 9728 §5.1)."""
        found = {
            "error": refused.error,
            "error_description": refused.description,
            "scope": refused.scope,
            "resource_metadata": self.metadata_url,
        }
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in found.items() if value)

    @property
    def metadata_url(self) -> str:
        """The well-known path goes between host and path (RFC 9728 §3.1)."""
        return f"{self._public_url.scheme}://{self._public_url.netloc}{self.metadata_path}"

    @property
    def metadata_path(self) -> str:
        """Where the metadata is served."""
        return WELL_KNOWN + self._public_url.path.rstrip("/")

    def metadata(self) -> dict[str, Any]:
        """The protected resource metadata, RFC 9728 §2."""
        return {
            "resource": self.audience,
            "authorization_servers": [self.issuer],
            "scopes_supported": list(self.scopes),
            "bearer_methods_supported": ["header"],
        }
