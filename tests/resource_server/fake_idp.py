"""An IdP that signs for real and answers without a network: what a resource server sees of one."""

import hmac
import json
from collections.abc import Mapping
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from resource_server import ResourceServer

ISSUER = "https://idp.example"
AUDIENCE = "https://data.example"
NOW = 1_800_000_000


def new_key(alg: str, kid: str, /, **members: str) -> Key:
    parameters: dict[str, Any] = {"kid": kid, "use": "sig", **members}
    match alg:
        case "ES256":
            return ECKey.generate_key("P-256", parameters)
        case "EdDSA":
            return OKPKey.generate_key("Ed25519", parameters)
        case _:
            return RSAKey.generate_key(2048, parameters)


def compact(header: Mapping[str, Any], payload: object, key: Key | bytes) -> str:
    """A JWS with any header and payload, signed with the header's `alg` (a secret: HS256) and nothing checked."""
    signed = b".".join(urlsafe_b64encode(json.dumps(part).encode()) for part in (header, payload))
    if isinstance(key, bytes):
        signature = hmac.digest(key, signed, "sha256")
    else:
        signature = JWSRegistry.algorithms[header["alg"]].sign(signed, key)
    return (signed + b"." + urlsafe_b64encode(signature)).decode()


class FakeIdP:
    def __init__(self) -> None:
        self.now: float = NOW
        self.keys = {"k1": new_key("ES256", "k1", alg="ES256")}
        self.discovery: dict[str, Any] = {
            "issuer": ISSUER,
            "jwks_uri": f"{ISSUER}/oauth2/jwks",
            "introspection_endpoint": f"{ISSUER}/oauth2/introspect",
        }
        self.away = False
        self.asked: list[str] = []
        self.introspection: tuple[int, object] = (200, {"active": False})
        self.form: Mapping[str, str] | None = None
        self.authorization: str | None = None

    def claims(self, **changes: object) -> dict[str, object]:
        """An access token's claims as the IdP writes them; a claim changed to `...` is left out."""
        claims = {
            "iss": ISSUER,
            "sub": "ada",
            "aud": AUDIENCE,
            "client_id": "portal",
            "iat": self.now,
            "exp": self.now + 300,
            "jti": "t1",
            "scope": "datasets:read datasets:modify",
            "company_id": "acme",
            "roles": ["member"],
            "member_ver": 3,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not ...}

    def token(self, *, header: Mapping[str, object] | None = None, **changes: object) -> str:
        head = {"typ": "at+jwt", "alg": "ES256", "kid": "k1", **(header or {})}
        head = {name: value for name, value in head.items() if value is not ...}
        return compact(head, self.claims(**changes), self.keys["k1"])

    def fetch(
        self, url: str, *, form: Mapping[str, str] | None = None, authorization: str | None = None
    ) -> tuple[int, bytes]:
        path = url.removeprefix(ISSUER)
        self.asked.append(path)
        self.form, self.authorization = form, authorization
        if self.away:
            raise ConnectionRefusedError
        status, answer = {
            "/.well-known/openid-configuration": (200, self.discovery),
            "/oauth2/jwks": (200, {"keys": [key.as_dict(private=False) for key in self.keys.values()]}),
            "/oauth2/introspect": self.introspection,
        }.get(path, (404, {}))
        return status, answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def server(self, **settings: Any) -> ResourceServer:
        return ResourceServer(
            **{"issuer": ISSUER, "audience": AUDIENCE, "fetch": self.fetch, "now": lambda: float(self.now), **settings}
        )
