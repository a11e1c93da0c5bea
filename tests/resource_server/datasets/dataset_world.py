"""A world for the dataset service: an IdP that signs for real and knows members, a clock, people with tokens."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry
from pydantic import SecretStr
from werkzeug.test import TestResponse

from resource_server.datasets.app import create_app
from resource_server.datasets.service import Service
from resource_server.datasets.settings import Settings

ISSUER = "http://localhost:8000"
AUDIENCE = "http://localhost:8001"
NOW = 1_800_000_000
SCOPES = "datasets:read datasets:modify datasets:share"
OWN_CLIENT = "dataset-service"
WIND, HYDRO, GAS = (f"{number:08d}-0000-7000-8000-000000000000" for number in (1, 2, 3))
SLUGS = {"north-sea-energy": WIND, "kvitberg-hydro": HYDRO, "tradewind-gas": GAS}


@dataclass
class FakeIdP:
    """Discovery, keys, client credentials and the member API, without a network."""

    members: dict[str, dict[str, dict[str, Any]]]  # company id -> sub -> as the member API tells
    away: bool = False
    asked: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"}))
    service_token: str = "members-1"

    def sign(self, claims: Mapping[str, Any]) -> str:
        header = {"alg": "ES256", "kid": "k1", "typ": "at+jwt"}
        return jwt.encode(header, dict(claims), self.key, registry=JWSRegistry(algorithms=["ES256"]))

    def fetch(
        self, url: str, *, form: Mapping[str, str] | None = None, authorization: str | None = None
    ) -> tuple[int, bytes]:
        if self.away:
            raise ConnectionRefusedError
        parts = urlsplit(url.removeprefix(ISSUER))
        self.asked.append(parts.path)
        if parts.path.startswith("/api/v1/companies/"):
            status, answer = self._member_api(parts.path, parse_qs(parts.query), authorization)
        else:
            status, answer = self._protocol(parts.path, form, authorization)
        return status, json.dumps(answer).encode()

    def _protocol(
        self, path: str, form: Mapping[str, str] | None, authorization: str | None
    ) -> tuple[int, dict[str, Any]]:
        if path == "/.well-known/openid-configuration":
            endpoints = {"jwks_uri": "jwks", "token_endpoint": "token", "introspection_endpoint": "introspect"}
            return 200, {"issuer": ISSUER, **{name: f"{ISSUER}/oauth2/{path}" for name, path in endpoints.items()}}
        if path == "/oauth2/jwks":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/oauth2/introspect":
            assert form is not None
            if form["token"] in self.revoked:
                return 200, {"active": False}
            return 200, {"active": True, "token_type": "Bearer", **jwt.decode(form["token"], self.key).claims}
        assert path == "/oauth2/token"
        assert form == {"grant_type": "client_credentials", "scope": "members:read", "resource": f"{ISSUER}/api"}
        assert authorization is not None
        assert authorization.startswith("Basic ")
        return 200, {"access_token": self.service_token, "token_type": "Bearer", "expires_in": 300}

    def _member_api(self, path: str, query: dict[str, list[str]], authorization: str | None) -> tuple[int, Any]:
        if authorization != f"Bearer {self.service_token}":
            return 401, {}
        company, _, rest = path.removeprefix("/api/v1/companies/").partition("/members")
        company_id = SLUGS.get(unquote(company), unquote(company))
        if company_id not in self.members:
            return 404, {}
        people = self.members[company_id]
        if rest:
            found = people.get(unquote(rest.removeprefix("/")))
            return (404, {}) if found is None else (200, found)
        wanted = query.get("q", [""])[0].casefold()
        if len(wanted) > 200:
            return 400, {}
        found = [one for one in people.values() if wanted in one["username"] or wanted in (one["email"] or "")]
        start, limit = int(query.get("cursor", ["0"])[0]), int(query.get("limit", ["50"])[0])
        following = str(start + limit) if start + limit < len(found) else None
        return 200, {"items": found[start : start + limit], "next": following, "company_id": company_id}


def member(name: str, *roles: str, suspended: bool = False) -> dict[str, Any]:
    return {
        "sub": f"sub-{name}",
        "username": name,
        "name": name.title(),
        "email": f"{name}@example.org",
        "roles": list(roles),
        "member_ver": 1,
        "suspended": suspended,
    }


def people() -> dict[str, dict[str, dict[str, Any]]]:
    wind = [
        member("ada", "data_owner", "admin"),
        member("ines", "member"),
        member("mette", "member"),
        member("jonas", "viewer"),
        member("noor", "member"),
        member("gone", "member", suspended=True),
        member("odd", "janitor"),
    ]
    robot = {**member("robot", "member"), "sub": "wind-robot", "username": "wind-robot", "email": None}
    hydro = [member("kari", "data_owner"), member("olav", "member"), member("ada", "member"), member("noor", "member")]
    gas = [member("tom", "admin", "data_owner"), member("petra", "member")]
    companies = {WIND: [*wind, robot], HYDRO: hydro, GAS: gas}
    return {company: {one["sub"]: one for one in inside} for company, inside in companies.items()}


class Person:
    """Somebody with a token, at the API."""

    def __init__(self, app: Flask, token: str) -> None:
        self._app, self.token = app, token

    def request(self, method: str, path: str, **arguments: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **arguments.pop("headers", {})}
        return self._app.test_client().open(path, method=method, headers=headers, **arguments)

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self.request("GET", path, **arguments)

    def post(self, path: str, json: object = None, **arguments: Any) -> TestResponse:
        return self.request("POST", path, **({} if json is None else {"json": json}), **arguments)

    def put(self, path: str, json: object = None, **arguments: Any) -> TestResponse:
        return self.request("PUT", path, **({} if json is None else {"json": json}), **arguments)

    def delete(self, path: str, **arguments: Any) -> TestResponse:
        return self.request("DELETE", path, **arguments)

    def create(self, name: str = "Wind", **facts: Any) -> str:
        answer = self.post("/datasets", {"name": name, **facts})
        assert 201 == answer.status_code, answer.text
        assert answer.json is not None
        return str(answer.json["id"])

    def upload(self, dataset_id: str, data: bytes, content_type: str = "text/csv", **arguments: Any) -> TestResponse:
        path = f"/datasets/{dataset_id}/content"
        return self.request("PUT", path, data=data, content_type=content_type, **arguments)

    def share(self, dataset_id: str, name: str, access: str = "read", **end: Any) -> TestResponse:
        return self.put(f"/datasets/{dataset_id}/shares/sub-{name}", {"access": access, **end})

    def names(self, query: str = "") -> list[str]:
        answer = self.get(f"/datasets{query}")
        assert 200 == answer.status_code, answer.text
        assert answer.json is not None
        return [item["name"] for item in answer.json["items"]]


class World:
    def __init__(self, database_url: str, **settings: Any) -> None:
        self.idp = FakeIdP(people())
        self.now: float = NOW
        self.settings = Settings(
            public_url=AUDIENCE,
            issuer=ISSUER,
            client_id=OWN_CLIENT,
            client_secret=SecretStr("a secret of the tests"),
            database_url=SecretStr(database_url),
            **settings,
        )
        self.app = create_app(self.settings, fetch=self.idp.fetch, clock=lambda: self.now)
        self.service: Service = self.app.extensions["datasets"]

    def claims(self, sub: str, company: str | None, roles: Iterable[str], **changes: Any) -> dict[str, Any]:
        claims = {
            "iss": ISSUER,
            "sub": sub,
            "aud": AUDIENCE,
            "client_id": "portal",
            "iat": int(self.now),
            "exp": int(self.now) + 300,
            "jti": "t1",
            "scope": SCOPES,
            "company_id": company or ...,
            "roles": list(roles) if company else ...,
            "member_ver": 1 if company else ...,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not ...}

    def person(self, name: str, company: str | None = WIND, **changes: Any) -> Person:
        """Somebody as the IdP knows them, in a company; `changes` to the token's claims."""
        known = self.idp.members[company][f"sub-{name}"]["roles"] if company else ()
        roles = changes.pop("roles", known)
        return Person(self.app, self.idp.sign(self.claims(f"sub-{name}", company, roles, **changes)))

    def everywhere(self, name: str, **changes: Any) -> Person:
        """Somebody with a token for all of their companies."""
        sub = f"sub-{name}"
        held = {company: inside[sub]["roles"] for company, inside in self.idp.members.items() if sub in inside}
        return Person(self.app, self.idp.sign(self.claims(sub, None, (), companies=held, **changes)))

    def machine(self, client_id: str, company: str | None = WIND, **changes: Any) -> Person:
        """A client that acts for itself."""
        roles = ["member"] if company else ()
        return Person(self.app, self.idp.sign(self.claims(client_id, company, roles, client_id=client_id, **changes)))
