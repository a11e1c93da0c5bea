"""The clients of the FAPI 2.0 plans, from one list: as a declaration for us, and as the runner's profiles.

Two for each way of authenticating and of binding tokens, with the two keys and certificates of a run.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey

_OPENID = "openid profile email address phone offline_access"
_ALONE = "members:read"
_PLAIN = "companies offline_access"  # without openid, the API's list of companies is the resource

_METHODS = {"pkjwt": "private_key_jwt", "mtls": "self_signed_tls_client_auth"}
_BOUND = {"dpop": "dpop_bound_access_tokens", "mtls": "tls_client_certificate_bound_access_tokens"}
_FAMILIES = ("fapi2", "fapi2ms")  # the security profile, and message signing
_PAYMENT = {
    "title": "Payment",
    "properties": {"type": {"const": "payment"}, "amount": {"type": "string", "title": "Amount"}},
    "required": ["type", "amount"],
    "additionalProperties": False,
}
_PROFILES = [(f"{family}-{auth}-{bound}", auth, bound) for family in _FAMILIES for auth in _METHODS for bound in _BOUND]


@dataclass(frozen=True)
class Identity:
    """A key with which a client signs, and its certificate."""

    jwk: Mapping[str, Any]  # private
    key: str  # PEM
    certificate: str  # PEM

    @property
    def public(self) -> dict[str, Any]:
        """What the client registers."""
        private = ("d", "p", "q", "dp", "dq", "qi")
        return {name: value for name, value in self.jwk.items() if name not in private}


def identity(name: str) -> Identity:
    """A new one, for a day."""
    key = generate_private_key(65537, 2048)
    certificate = _certificate(name, key)
    der = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # PS256 and not ES256: so the suite can try with the same key what RS256 does.
    jwk = RSAKey.import_key(pem, {"kid": name, "alg": "PS256", "use": "sig"}).as_dict(private=True)
    return Identity({**jwk, "x5c": [der]}, pem.decode(), certificate.public_bytes(Encoding.PEM).decode())


def _certificate(name: str, key: RSAPrivateKey) -> x509.Certificate:
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )


def declaration(one: Identity, two: Identity, callback: str, api: str, *, signed: bool) -> str:
    """The clients as TOML; `signed` demands of those of message signing that they sign their requests."""
    return "\n".join(_tables(one, two, callback, api, signed=signed))


def _tables(one: Identity, two: Identity, callback: str, api: str, *, signed: bool) -> Iterator[str]:
    with_users = {
        "redirect_uris": [callback, f"{callback}?dummy1=lorem&dummy2=ipsum"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": f"{_OPENID} companies",
        "resources": [api],
    }
    for profile, auth, bound in _PROFILES:
        must_sign = signed and profile.startswith("fapi2ms")
        ways = {"token_endpoint_auth_method": _METHODS[auth], _BOUND[bound]: True}
        yield from _pair(profile, one, two, {**with_users, **ways, "require_signed_request_object": must_sign})
    ways = {"token_endpoint_auth_method": _METHODS["pkjwt"], _BOUND["dpop"]: True}
    payments = f"{api}/payments"
    yield _table("[[resource]]", {"uri": payments, "name": "Payments", "clients": ["fapi2-cc-1", "fapi2-cc-2"]})
    yield _table("[resource.authorization_details]", {"payment": json.dumps(_PAYMENT)})
    yield from _pair("fapi2-rar", one, two, {**with_users, **ways, "resources": [payments]})
    # They read members, which is for whoever acts as a resource server.
    yield _table("[[company]]", {"slug": "conformance", "name": "Conformance"})
    alone = {"grant_types": ["client_credentials"], "scope": _ALONE, "resources": [api]}
    yield from _pair("fapi2-cc", one, two, {**ways, **alone})


def _pair(profile: str, one: Identity, two: Identity, members: Mapping[str, Any]) -> Iterator[str]:
    for number, who in (("1", one), ("2", two)):
        names = {"client_id": f"{profile}-{number}", "client_name": f"Client {number} of {profile}", "profile": "fapi2"}
        yield _table("[[client]]", {**names, **members})
        yield _table("[[client.jwks.keys]]", who.public)


def _table(header: str, members: Mapping[str, Any]) -> str:
    # What JSON writes of a string, a boolean or a list of strings, TOML reads.
    return "\n".join([header, *(f'"{name}" = {json.dumps(value)}' for name, value in members.items()), ""])


def profiles(one: Identity, two: Identity, alias: str, issuer: str, mtls: str) -> dict[str, Any]:
    """What the runner's plans call by name."""
    certificates = {"mtls": _pem(one), "mtls2": _pem(two)}
    without = dict.fromkeys(certificates)
    found: dict[str, Any] = {
        "fapi": {"alias": alias, "client": _client(one), "client2": _client(two), **certificates},
        "no-openid": {
            "server": {"discoveryUrl": f"{issuer}/.well-known/oauth-authorization-server"},
            "client": {"scope": _PLAIN},
            "client2": {"scope": _PLAIN},
            # Reached with a certificate and without.
            "resource": {"resourceUrl": f"{mtls}/api/v1/me/companies"},
        },
    }
    for profile, auth, bound in _PROFILES:
        with_tls = "mtls" in (auth, bound)
        found[profile] = {
            **_ids(profile),
            "resource": {"resourceUrl": f"{mtls if with_tls else issuer}/oauth2/userinfo"},
            **({} if with_tls else without),
        }
    found["rar"] = {**_ids("fapi2-rar"), "resource": {"richAuthorizationRequest": [{"type": "payment", "amount": "1"}]}}
    found["fapi2-cc"] = {
        "client": {"client_id": "fapi2-cc-1", "scope": _ALONE},
        "client2": {"client_id": "fapi2-cc-2", "scope": _ALONE},
        "resource": {"resourceUrl": f"{issuer}/api/v1/companies/conformance/members"},
        **without,
    }
    return found


def _ids(profile: str) -> dict[str, Any]:
    return {"client": {"client_id": f"{profile}-1"}, "client2": {"client_id": f"{profile}-2"}}


def _client(who: Identity) -> dict[str, Any]:
    return {"scope": _OPENID, "jwks": {"keys": [who.jwk]}}


def _pem(who: Identity) -> dict[str, str]:
    return {"cert": who.certificate, "key": who.key}
