"""The dataset service with its portal, an IdP that plays its part of a sign-in with real signatures, and browsers."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlsplit

from dataset_world import AUDIENCE, HYDRO, ISSUER, NOW, OWN_CLIENT, WIND, FakeIdP, World, people
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from pydantic import SecretStr
from werkzeug.test import TestResponse

from resource_server.datasets.app import create_app
from resource_server.datasets.service import Service
from resource_server.datasets.settings import Settings
from tests.ui.page import Page

CLIENT, SECRET = "portal", "a secret of the portal's tests: +/%"
NAMES = {WIND: "North Sea Energy", HYDRO: "Kvitberg Hydro"}
FORM = "application/x-www-form-urlencoded"


@dataclass
class Grant:
    """What the IdP knows of one sign-in at the portal."""

    sub: str
    company: str | None
    nonce: str
    challenge: str
    scope: str
    resources: list[str]


@dataclass
class SigningIn(FakeIdP):
    """Authorization, token and userinfo endpoints, as far as a relying party sees them."""

    world: "PortalWorld | None" = None
    rsa: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "r1", "use": "sig", "alg": "RS256"}))
    codes: dict[str, Grant] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)  # by refresh token
    refused: dict[str, str] = field(default_factory=dict)  # company -> error of the token endpoint
    changes: dict[str, Any] = field(default_factory=dict)  # to the ID token's claims; `...` leaves one out
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # path -> an answer that is no good
    forms: list[dict[str, str]] = field(default_factory=list)  # that reached the token endpoint

    def fetch(
        self, url: str, *, form: Mapping[str, str] | None = None, authorization: str | None = None
    ) -> tuple[int, bytes]:
        path = urlsplit(url).path
        if path in self.answers and not self.away:
            return self.answers[path]
        if form is not None and form["grant_type"] != "client_credentials" and not self.away:
            self.asked.append(path)
            status, answer = self._token(dict(form), authorization or "")
            return status, json.dumps(answer).encode()
        return super().fetch(url, form=form, authorization=authorization)

    def authorize(self, url: str, sub: str, company: str | None) -> dict[str, str]:
        """Somebody signs in and chooses a company: the parameters of the answer."""
        asked = parse_qs(urlsplit(url).query, strict_parsing=True)
        assert url.startswith(f"{ISSUER}/oauth2/authorize?")
        assert ["code"] == asked["response_type"]
        assert [CLIENT] == asked["client_id"]
        assert [f"{AUDIENCE}/portal/callback"] == asked["redirect_uri"]
        assert ["S256"] == asked["code_challenge_method"]
        code = f"code-{len(self.codes)}"
        company = asked.get("company", [company])[0]
        self.codes[code] = Grant(
            sub, company, asked["nonce"][0], asked["code_challenge"][0], asked["scope"][0], asked["resource"]
        )
        return {"code": code, "state": asked["state"][0], "iss": ISSUER}

    def sign_id(self, claims: Mapping[str, Any]) -> str:
        claims = {name: value for name, value in claims.items() if value is not ...}
        header = {"alg": "RS256", "kid": "r1", "typ": "JWT"}
        return jwt.encode(header, claims, self.rsa, registry=JWSRegistry(algorithms=["RS256"]))

    def _protocol(
        self, path: str, form: Mapping[str, str] | None, authorization: str | None
    ) -> tuple[int, dict[str, Any]]:
        status, found = (
            (200, {}) if path.startswith(("/oauth2/userinfo", "/api")) else super()._protocol(path, form, authorization)
        )
        if path == "/.well-known/openid-configuration":
            found |= {
                f"{name}_endpoint": f"{ISSUER}/oauth2/{path}"
                for name, path in (("authorization", "authorize"), ("userinfo", "userinfo"), ("end_session", "logout"))
            }
        elif path == "/oauth2/jwks":
            found["keys"].append(self.rsa.as_dict(private=False))
        elif path == "/oauth2/userinfo":
            claims = self._claims(authorization)
            assert "openid" in claims["scope"].split()
            found = {"sub": claims["sub"], "name": claims["sub"].removeprefix("sub-").title() + " Larsen"}
        elif path == "/api/v1/me/companies":
            claims = self._claims(authorization)
            assert f"{ISSUER}/api" == claims["aud"]
            assert "companies" in claims["scope"].split()
            mine = self.companies_of(claims["sub"])
            items = [{"id": each, "slug": each, "name": NAMES[each], "roles": roles} for each, roles in mine.items()]
            found = {"items": items, "next": None}
        return status, found

    def companies_of(self, sub: str) -> dict[str, list[str]]:
        held = {company: inside.get(sub) for company, inside in self.members.items()}
        return {company: one["roles"] for company, one in held.items() if one and not one["suspended"]}

    def _claims(self, authorization: str | None) -> dict[str, Any]:
        assert authorization is not None
        token = authorization.removeprefix("Bearer ")
        return jwt.decode(token, self.key, registry=JWSRegistry(algorithms=["ES256"])).claims

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.forms.append(form)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        assert [CLIENT, SECRET] == [unquote_plus(part) for part in pair]
        if form["grant_type"] == "authorization_code":
            grant = self.codes.pop(form["code"], None)
            if grant is None or grant.challenge != _s256(form["code_verifier"]):
                return 400, {"error": "invalid_grant"}
            assert f"{AUDIENCE}/portal/callback" == form["redirect_uri"]
            refresh_token, company, nonce = f"refresh-{len(self.grants)}", grant.company, grant.nonce
            self.grants[refresh_token] = grant
        else:
            refresh_token, nonce = form["refresh_token"], ...
            grant = self.grants.get(refresh_token)
            if grant is None:
                return 400, {"error": "invalid_grant"}
            company = form.get("company", grant.company)
        if company and company not in self.companies_of(grant.sub):
            return 400, {"error": "invalid_request"}
        if company in self.refused:
            return 400, {"error": self.refused[company]}
        assert form["resource"] in grant.resources
        return 200, self._tokens(grant, form, company, nonce, refresh_token)

    def _tokens(
        self, grant: Grant, form: dict[str, str], company: str | None, nonce: Any, refresh_token: str
    ) -> dict[str, Any]:
        assert self.world is not None
        held = self.companies_of(grant.sub)
        scope = form.get("scope", grant.scope)
        changes = {"aud": form["resource"], "scope": scope}
        access_token = self.sign(self.world.claims(grant.sub, company, held.get(company or "", ()), **changes))
        claims = {
            "iss": ISSUER,
            "sub": grant.sub,
            "aud": CLIENT,
            "iat": int(self.world.now),
            "exp": int(self.world.now) + 3600,
            "nonce": nonce,
            "at_hash": _s256(access_token, half=True),
            "company_id": company or ...,
            "company_name": NAMES[company] if company else ...,
            "companies": held,
            **self.changes,
        }
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300, "scope": scope}
        return {**answer, "refresh_token": refresh_token, "id_token": self.sign_id(claims)}


class PortalWorld(World):
    """A world whose dataset service has a portal."""

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.idp = SigningIn(people(), world=self)
        self.now: float = NOW
        self.settings = Settings(
            public_url=AUDIENCE,
            issuer=ISSUER,
            client_id=OWN_CLIENT,
            client_secret=SecretStr("a secret of the tests"),
            database_url=SecretStr(database_url),
            portal_client_id=CLIENT,
            portal_client_secret=SecretStr(SECRET),
            session_key=SecretStr("a key of the portal's tests, long enough"),
            **settings,
        )
        self.app = create_app(self.settings, fetch=self.idp.fetch, clock=lambda: self.now)
        self.service: Service = self.app.extensions["datasets"]

    def browser(self, name: str | None = None, company: str | None = WIND) -> "Browser":
        """A browser; with a name somebody has signed in there."""
        browser = Browser(self)
        if name:
            browser.sign_in(name, company)
        return browser


class Browser:
    """Follows the portal's redirects and fills in its forms."""

    def __init__(self, world: PortalWorld) -> None:
        self.world = world
        self.client: FlaskClient = world.app.test_client()

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self.client.get(path, base_url=AUDIENCE, **arguments)

    def page(self, path: str, status: int = 200) -> Page:
        answer = self.get(path)
        assert status == answer.status_code, (answer.status_code, answer.text)
        return Page(answer.text)

    def post(self, path: str, headers: Mapping[str, str] = {"Origin": AUDIENCE}, **fields: Any) -> TestResponse:
        return self.client.post(path, data=fields, headers=headers, base_url=AUDIENCE)

    def send(self, path: str, **fields: Any) -> TestResponse:
        """A form of the portal, with its token."""
        return self.post(path, csrf_token=self.token, **fields)

    def after(self, answer: TestResponse) -> Page:
        """The page to which a POST leads."""
        assert 303 == answer.status_code, (answer.status_code, answer.text)
        return self.page(answer.location)

    @property
    def token(self) -> str:
        page = self.page("/portal/company")
        return str(page.tokens["/portal/sign-out"])

    def sign_in(self, name: str, company: str | None = WIND, path: str = "/portal/") -> TestResponse:
        """Go to a page, sign in at the IdP on the way, and arrive at it."""
        away = self.get(path)
        assert 303 == away.status_code, away.text
        return self.come_back(self.world.idp.authorize(away.location, f"sub-{name}", company))

    def come_back(self, parameters: Mapping[str, str]) -> TestResponse:
        return self.client.get("/portal/callback", query_string=dict(parameters), base_url=AUDIENCE)


def parameters(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, strict_parsing=True)


def _s256(text: str, *, half: bool = False) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16] if half else digest).rstrip(b"=").decode()
