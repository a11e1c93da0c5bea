"""The resource server's side of OAuth 2.0: from an `Authorization` header to a believed `Principal`."""

import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

from resource_server import claims, dpop, jws, tokens
from resource_server.certificates import ProxyHeader, thumbprint
from resource_server.dpop import Proofs, Remembered
from resource_server.errors import InsufficientAuthentication, InvalidToken, Refused
from resource_server.fetch import Fetch, fetch
from resource_server.idp import IdentityProvider
from resource_server.introspection import introspected
from resource_server.presented import Presented
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
        details: types of `authorization_details` (RFC 9396) that the metadata announces.
        bound_only: refuse tokens that are not bound to their sender by DPoP (RFC 9449) or a certificate (RFC 8705).
        certificate: the header in which a proxy tells the client's certificate; without one, none is believed.
        proofs: the memory of DPoP proofs that were used; default: one of this process.
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
        details: Sequence[str] = (),
        bound_only: bool = False,
        certificate: ProxyHeader | None = None,
        proofs: Proofs | None = None,
        leeway: int = 30,
        fetch: Fetch = fetch,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.issuer, self.audience, self.scopes, self.details = issuer, audience, tuple(scopes), tuple(details)
        self.certificate, self.bound_only = certificate, bound_only
        self._proofs = proofs or Remembered(now)
        self._leeway, self._now = leeway, now
        idp = IdentityProvider(issuer, fetch, now)
        self._public_url = urlsplit(public_url or audience)
        if check == "offline":
            self._claims = partial(tokens.verified, key_of=idp.key, typ=typ)
        elif client_id and client_secret:
            self._claims = partial(introspected, idp=idp, client_id=client_id, client_secret=client_secret)
        else:
            raise ValueError('check="introspect" needs client_id and client_secret')

    def authenticate(self, presented: Presented) -> Principal:
        """The sender of a request, by its one token and by the proof that a bound token needs.

        Raises:
            Refused: no token (401 without a code), a bad one or a bad proof (401), two headers (400).
            Unavailable: nobody can tell now.
        """
        headers = list(presented.authorization)
        # A server may join repeated headers by a comma, which no token contains.
        if len(headers) > 1 or any("," in header for header in headers):
            raise Refused(400, "invalid_request", "there must be one Authorization header")
        scheme, _, token = "".join(headers).partition(" ")
        if scheme.lower() not in ("bearer", "dpop"):
            raise Refused(401)
        found = self._read(token := token.strip(" "))
        if (scheme.lower() == "dpop") != ("jkt" in found.confirmation):
            raise InvalidToken("the token is not of this scheme: DPoP is for tokens that are bound to a key")
        self._check_sender(found, presented, token)
        return found

    def verify(self, token: str) -> Principal:
        """The same for a token that did not come with a request, such as one a portal keeps in its session."""
        found = self._read(token)
        if found.confirmation:
            raise InvalidToken("the token is bound to a sender, and came without a proof")
        return found

    def _read(self, token: str) -> Principal:
        if len(token) > jws.MAX_TOKEN or not _B64TOKEN.fullmatch(token):
            raise InvalidToken("the token is malformed")
        return claims.principal(
            self._claims(token), issuer=self.issuer, audience=self.audience, now=self._now(), leeway=self._leeway
        )

    def _check_sender(self, found: Principal, presented: Presented, token: str) -> None:
        """Whoever holds a bound token without its key may have stolen it."""
        if self.bound_only and not found.confirmation:
            raise InvalidToken("the token is not bound to its sender")
        if (x5t := found.confirmation.get("x5t#S256")) is not None:
            shown = presented.certificate
            if shown is None or thumbprint(shown) != x5t:
                raise InvalidToken("the token is bound to another certificate")
        if (jkt := found.confirmation.get("jkt")) is not None:
            dpop.check(presented, token, jkt, proofs=self._proofs, now=self._now())

    def require_sign_in(self, principal: Principal, *, acr_values: Sequence[str], max_age: int | None) -> None:
        """Let a user pass who signed in in one of these ways, at most so many seconds ago (RFC 9470).

        Raises:
            InsufficientAuthentication: they did not; a client that acts for itself never does.
        """
        too_old = max_age is not None and (principal.auth_time or 0) < self._now() - max_age
        if too_old or (acr_values and principal.acr not in acr_values):
            raise InsufficientAuthentication(acr_values=acr_values, max_age=max_age)

    def challenges(self, refused: Refused, authorization: Sequence[str] = ()) -> list[str]:
        """The `WWW-Authenticate` values (RFC 6750 §3, RFC 9449 §7.1) with the way to the metadata (RFC 9728 §5.1).

        The scheme that the request tried gets the error; a request that tried none learns of both.
        """
        tried = "".join(authorization).partition(" ")[0].lower()
        answered = ["DPoP"] if tried == "dpop" else ["Bearer"] if refused.error else ["Bearer", "DPoP"]
        if self.bound_only and not self.certificate:
            answered = ["DPoP"]
        return [self._challenge(scheme, refused) for scheme in answered]

    def _challenge(self, scheme: str, refused: Refused) -> str:
        found = {
            "error": refused.error,
            "error_description": refused.description,
            **refused.wanted,
            "algs": " ".join(dpop.ALGORITHMS) if scheme == "DPoP" else None,
            "resource_metadata": self.metadata_url,
        }
        return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in found.items() if value)

    @property
    def base(self) -> str:
        """How clients reach this server, without a slash at the end."""
        return self._public_url.geturl().rstrip("/")

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
        found = {
            "resource": self.audience,
            "authorization_servers": [self.issuer],
            "scopes_supported": list(self.scopes),
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
            "dpop_bound_access_tokens_required": self.bound_only and not self.certificate,
            "tls_client_certificate_bound_access_tokens": self.certificate is not None,
            "authorization_details_types_supported": list(self.details),
        }
        return {name: value for name, value in found.items() if value}
