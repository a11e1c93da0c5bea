"""The portal as a relying party of the IdP: OpenID Connect Core, by Authlib's client on the service's own `fetch`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client

from resource_server import Unavailable
from resource_server.datasets.portal import id_token
from resource_server.datasets.settings import Settings
from resource_server.fetch import Fetch
from resource_server.idp import IdentityProvider
from resource_server.introspection import basic

SCOPE = "openid profile email companies datasets:read datasets:modify datasets:share"
MOST_COMPANIES = 100


@dataclass(frozen=True)
class Tokens:
    """An answer of the token endpoint, its ID token checked."""

    access_token: str
    expires_at: float  # of the access token, seconds since the epoch
    refresh_token: str
    id_token: str
    claims: Mapping[str, Any]  # of the ID token


@dataclass(frozen=True)
class Company:
    """A company in which somebody works."""

    id: str
    name: str
    roles: tuple[str, ...]


class RelyingParty:
    """One client at one IdP.

    Every function raises `Unavailable` when the IdP gives no answer that can be used, and Authlib's `OAuth2Error`,
    with the specification's code in `error`, when it refuses.
    """

    def __init__(self, settings: Settings, fetch: Fetch, now: Callable[[], float]) -> None:
        if settings.portal_client_secret is None:
            raise ValueError("no client for the portal")
        self.issuer, self.client_id = settings.issuer, settings.portal_client_id
        self._secret = settings.portal_client_secret.get_secret_value()
        self._resource, self._api = settings.resource, f"{settings.issuer}/api"
        self._redirect_uri = f"{settings.public_url}/portal/callback"
        self._signed_out_uri = f"{settings.public_url}/portal/signed-out"
        self._fetch, self._now = fetch, now
        self._idp = IdentityProvider(settings.issuer, fetch, now)

    def authorization_url(self, *, state: str, nonce: str, verifier: str, **wishes: str) -> str:
        """Where the browser goes to sign in; `wishes` are parameters such as `company` and `prompt`."""
        url, _ = self._client().create_authorization_url(
            self._idp.endpoint("authorization_endpoint"),
            state=state,
            nonce=nonce,
            code_verifier=verifier,
            # RFC 8707: the datasets, and the IdP's own API for the names of the companies.
            resource=[self._resource, self._api],
            **wishes,
        )
        return str(url)

    def redeem(self, code: str, *, nonce: str, verifier: str) -> Tokens:
        """Tokens for an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
        answer = self._client().fetch_token(
            self._idp.endpoint("token_endpoint"),
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            resource=self._resource,
        )
        return self._tokens(answer, nonce=nonce)

    def refresh(self, refresh_token: str, *, sub: str, company: str | None) -> Tokens:
        """New tokens for the same person and for `company`, which is another one after a switch."""
        answer = self._client().refresh_token(
            self._idp.endpoint("token_endpoint"), refresh_token, company=company, resource=self._resource
        )
        return self._tokens(answer, sub=sub)

    def companies(self, refresh_token: str, *, company: str | None) -> tuple[Sequence[Company], bool]:
        """The person's companies with their names, and whether there are more than these.

        `company` is the active one: with a walled company active the IdP names no other.
        """
        answer = self._client().refresh_token(
            self._idp.endpoint("token_endpoint"), refresh_token, company=company, resource=self._api, scope="companies"
        )
        url = f"{self._api}/v1/me/companies?{urlencode({'limit': MOST_COMPANIES})}"
        page = self._idp.ask(url, authorization=f"Bearer {answer.get('access_token')}")
        try:
            found = [Company(item["id"], item["name"], tuple(item["roles"])) for item in page["items"]]
        except (KeyError, TypeError) as error:
            raise Unavailable("the list of companies is not one") from error
        return found, page.get("next") is not None

    def userinfo(self, tokens: Tokens) -> Mapping[str, Any]:
        """Claims about the person (OpenID Connect Core §5.3)."""
        found = self._idp.ask(self._idp.endpoint("userinfo_endpoint"), authorization=f"Bearer {tokens.access_token}")
        # §5.3.2: an answer about somebody else must not be used.
        if found.get("sub") != tokens.claims["sub"]:
            raise Unavailable("the userinfo endpoint answered about somebody else")
        return found

    def end_session_url(self, hint: str, *, state: str) -> str:
        """Where the browser goes to sign out everywhere (RP-Initiated Logout §2), and comes back from with `state`.

        `hint` is an ID token.
        """
        parameters = {"id_token_hint": hint, "post_logout_redirect_uri": self._signed_out_uri, "state": state}
        return f"{self._idp.endpoint('end_session_endpoint')}?{urlencode(parameters)}"

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            _Http(self._fetch),
            client_id=self.client_id,
            client_secret=self._secret,
            redirect_uri=self._redirect_uri,
            scope=SCOPE,
            code_challenge_method="S256",
        )

    def _tokens(self, answer: Mapping[str, Any], **expected: str) -> Tokens:
        if not all(isinstance(answer.get(name), str) for name in ("access_token", "refresh_token", "id_token")):
            raise Unavailable("the token endpoint's answer is not complete")
        claims = id_token.validated(
            answer["id_token"],
            self._idp,
            client_id=self.client_id,
            access_token=answer["access_token"],
            now=self._now(),
            **expected,
        )
        lifetime = answer.get("expires_in")
        expires_at = self._now() + (lifetime if isinstance(lifetime, int) else 0)
        return Tokens(answer["access_token"], expires_at, answer["refresh_token"], answer["id_token"], claims)


class _Http:
    """What Authlib's client needs of a `requests` session."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    def post(self, url: str, *, data: Mapping[str, str], auth: ClientAuth, headers: object) -> "_Answer":
        # `headers` are what `fetch` sends anyway. The secret is form-encoded, as RFC 6749 §2.3.1 asks.
        try:
            return _Answer(*self._fetch(url, form=data, authorization=basic(auth.client_id, auth.client_secret)))
        except OSError as error:
            raise Unavailable(f"the identity provider cannot be reached: {type(error).__name__}") from error


@dataclass(frozen=True)
class _Answer:
    status_code: int
    content: bytes

    def json(self) -> Any:  # noqa: ANN401  (Authlib looks whether it is an object)
        return json.loads(self.content)

    def raise_for_status(self) -> None:
        """Authlib calls it for what is no answer of a token endpoint."""
        raise Unavailable(f"the token endpoint answered {self.status_code} and nothing that can be used")
