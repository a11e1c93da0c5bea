"""A client with a certificate, which a proxy hands on; and what it does with it (RFC 8705)."""

import base64
import hashlib

from actors import PUBLIC_URL, Client

PKI, SELF_SIGNED = "tls_client_auth", "self_signed_tls_client_auth"
BOUND = "tls_client_certificate_bound_access_tokens"
HEADER = "Client-Cert"
MTLS_URL = "https://mtls.id.example.com"


class TlsClient(Client):
    """A client with a certificate, which the proxy hands on; it says `client_id` and nothing else (RFC 8705 §2)."""

    certificate = None

    @classmethod
    def of(cls, world, method, certificate=None, client_id="tls", **fields):
        defaults = {"grant_types": ["client_credentials"], "token_endpoint_auth_method": method}
        found = cls.registered(world, client_id, public=True, **{**defaults, **fields})
        found.certificate = certificate
        return found

    @classmethod
    def of_authority(cls, world, certificate, **subject):
        metadata = {f"tls_client_auth_{name}": value for name, value in subject.items()}
        return cls.of(world, PKI, certificate, client_metadata=metadata)

    @classmethod
    def self_signed(cls, world, certificate, **fields):
        return cls.of(world, SELF_SIGNED, certificate, **{"jwks": certificate.jwks, **fields})

    def post(self, path, form, *, certificate="own", headers=(), **changes):
        sent = self.certificate if certificate == "own" else certificate
        headers = {**dict(headers), **({HEADER: getattr(sent, "escaped", sent)} if sent else {})}
        return super().post(path, form, headers=headers, **changes)

    def ask(self, **changes):
        return self.post("/oauth2/token", {"grant_type": "client_credentials"}, **changes)

    def bearing(self, token, certificate="own", path="/oauth2/userinfo"):
        sent = self.certificate if certificate == "own" else certificate
        headers = {"Authorization": f"Bearer {token}", **({HEADER: sent.escaped} if sent else {})}
        return self.http.get(path, headers=headers, base_url=PUBLIC_URL)


def thumbprint(certificate):
    return base64.urlsafe_b64encode(hashlib.sha256(certificate.der).digest()).rstrip(b"=").decode()


def refused(response):
    """One answer for all that is wrong with a client (RFC 8705 §2)."""
    return (401, "invalid_client", "client authentication failed") == (
        response.status_code,
        response.json["error"],
        response.json["error_description"],
    )
