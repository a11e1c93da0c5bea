"""Tokens that are bound to a client certificate (RFC 8705 §3), as a proxy in front tells it."""

import base64
import hashlib
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from fake_idp import FakeIdP
from flask import Flask, g
from werkzeug.middleware.proxy_fix import ProxyFix

from resource_server import ProxyHeader, protect, require_scope


def certificate() -> bytes:
    """A self-signed one, DER."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


OURS, OTHER = certificate(), certificate()


def escaped(der: bytes) -> str:
    """As nginx's $ssl_client_escaped_cert."""
    return quote(ssl.DER_cert_to_PEM_cert(der), safe="")


def rfc_9440(der: bytes) -> str:
    return f":{base64.b64encode(der).decode()}:"


@pytest.fixture
def idp() -> FakeIdP:
    return FakeIdP()


def application(idp: FakeIdP, *, proxies: tuple[str, ...] = ("127.0.0.1",)) -> Flask:
    app = Flask(__name__)
    protect(app, idp.server(certificate=ProxyHeader("Client-Cert", proxies)))

    @app.get("/reports")
    @require_scope("reports:read")
    def reports() -> Mapping[str, str]:
        return {"sub": g.principal.sub}

    return app


def ask(app: Flask, idp: FakeIdP, shown: str | None, *, peer: str = "127.0.0.1", **headers: str) -> Any:
    x5t = base64.urlsafe_b64encode(hashlib.sha256(OURS).digest()).rstrip(b"=").decode()
    token = idp.token(scope="reports:read", cnf={"x5t#S256": x5t})
    brought = {"Authorization": f"Bearer {token}", **headers, **({"Client-Cert": shown} if shown else {})}
    return app.test_client().get("/reports", headers=brought, environ_base={"REMOTE_ADDR": peer})


def refused(answer: Any) -> bool:
    return answer.status_code == 401 and 'Bearer error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("shown", [escaped(OURS), rfc_9440(OURS)])
def test_the_certificate_of_the_token_opens(idp: FakeIdP, shown: str) -> None:
    assert {"sub": "ada"} == ask(application(idp), idp, shown).json


@pytest.mark.parametrize(
    "shown",
    [None, escaped(OTHER), rfc_9440(OTHER), "x", "::", ":AA=:", ":%:", escaped(OURS)[:-40], "x" * 20_000, "%00"],
)
def test_another_certificate_or_none_does_not(idp: FakeIdP, shown: str | None) -> None:
    assert refused(ask(application(idp), idp, shown))


def test_nobody_but_the_proxy_is_believed(idp: FakeIdP) -> None:
    assert refused(ask(application(idp), idp, escaped(OURS), peer="192.0.2.7"))
    assert refused(ask(application(idp, proxies=("unix",)), idp, escaped(OURS)))
    assert refused(ask(application(idp), idp, escaped(OURS), peer=""))


@pytest.mark.parametrize(
    ("proxies", "peer"), [(("10.0.0.0/8",), "10.1.2.3"), (("unix",), ""), (("::1", "unix"), "::1")]
)
def test_proxies_are_addresses_networks_or_a_socket(idp: FakeIdP, proxies: tuple[str, ...], peer: str) -> None:
    assert 200 == ask(application(idp, proxies=proxies), idp, escaped(OURS), peer=peer).status_code


def test_the_other_end_is_who_connected_not_who_a_header_names(idp: FakeIdP) -> None:
    app = application(idp)
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]

    forged = {"X-Forwarded-For": "127.0.0.1"}

    assert refused(ask(app, idp, escaped(OURS), peer="192.0.2.7", **forged))
    assert 200 == ask(app, idp, escaped(OURS), **{"X-Forwarded-For": "192.0.2.7"}).status_code


def test_the_metadata_says_it(idp: FakeIdP) -> None:
    """RFC 9728 §2."""
    metadata = application(idp).test_client().get("/.well-known/oauth-protected-resource").json

    assert metadata["tls_client_certificate_bound_access_tokens"] is True


@pytest.mark.parametrize(("name", "proxies"), [("", ("127.0.0.1",)), ("Client-Cert", ()), ("Client-Cert", ("x",))])
def test_half_a_configuration_is_refused(name: str, proxies: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"a name and the proxies|'x' does not"):
        ProxyHeader(name, proxies)
