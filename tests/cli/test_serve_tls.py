"""`idp serve --tls-cert F --tls-key F`: TLS without a proxy, as BCP 195 (RFC 9325) asks for."""

import contextlib
import json
import resource
import socket
import ssl
import urllib.request

import pytest
from certificates import Certificate
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from handshakes import refusal, suites
from serving import free_port, serving

pytestmark = pytest.mark.usefixtures("app")

KEYS = {"RSA": lambda: rsa.generate_private_key(65537, 2048), "ECDSA": lambda: ec.generate_private_key(ec.SECP256R1())}


@pytest.fixture
def made(tmp_path):
    """The options for a certificate of localhost; the file of the certificate is its own authority."""

    def options(kind="ECDSA"):
        certificate = Certificate("CN=localhost", key=KEYS[kind](), names=[x509.DNSName("localhost")])
        paths = certificate.saved(tmp_path, "server")
        return ["--tls-cert", str(paths[0]), "--tls-key", str(paths[1])]

    return options


@pytest.mark.parametrize("kind", KEYS)
def test_nothing_but_current_tls(environment, tmp_path, made, kind):
    """RFC 9325 §3.1.1, §4.2: 1.3 and 1.2, forward secrecy and authenticated encryption; no CBC, no older version."""
    port = free_port()
    with serving(environment | {"IDP_PUBLIC_URL": f"https://localhost:{port}"}, tmp_path, port, *made(kind)):
        accepted = suites(port, "localhost")
        spoken = [refusal(port, "localhost", version) for version in ssl.TLSVersion if version > ssl.TLSVersion.SSLv3]

    aead = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    assert {f"ECDHE-{kind}-{cipher}" for cipher in aead} == accepted
    assert all("_ALERT_" in refused for refused in spoken[:2])
    assert ["TLSv1.2", "TLSv1.3"] == spoken[2:]


def test_it_answers_over_tls_alone(environment, tmp_path, made):
    """With its certificate, while others open connections and say nothing."""
    port, options = free_port(), made()
    url = f"https://localhost:{port}"
    trusting = ssl.create_default_context(cafile=options[1])
    with serving(environment | {"IDP_PUBLIC_URL": url}, tmp_path, port, *options), contextlib.ExitStack() as idle:
        for _ in range(50):
            idle.enter_context(socket.create_connection(("127.0.0.1", port)))
        with urllib.request.urlopen(f"{url}/.well-known/openid-configuration", timeout=5, context=trusting) as answer:
            assert url == json.load(answer)["issuer"]
            assert "max-age=" in answer.headers["Strict-Transport-Security"]
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            plain.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert not plain.recv(100).startswith(b"HTTP/")


def test_certificate_and_public_url_must_agree(idp, made):
    """http: to the world and TLS here cannot both be so."""
    failed = idp("serve", "--bind", f"127.0.0.1:{free_port()}", *made(), IDP_PUBLIC_URL="http://localhost:8000")

    assert 1 == failed.returncode
    assert failed.stderr.startswith("idp: --tls-cert serves https:, and IDP_PUBLIC_URL begins with http:")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda options: options[:2], "belong together"),
        (lambda options: options[2:], "belong together"),
        (lambda options: [*options[:3], options[1]], "not PKCS #8"),
        (lambda options: ["--tls-cert", options[3], *options[2:]], "do not fit together"),
    ],
)
def test_half_a_pair_is_refused_with_a_line(idp, made, broken, said):
    """Before a worker would say it in its own words."""
    failed = idp("serve", *broken(made()), IDP_PUBLIC_URL="https://localhost:8000")

    assert 1 == failed.returncode
    assert said in failed.stderr
    assert 1 == failed.stderr.count("\n")


def test_it_may_hold_more_connections_than_the_shell_allows(environment, tmp_path, made):
    """A worker that runs out of files within TLS handshakes does not recover: it takes what the hard limit leaves."""
    port, (soft, hard) = free_port(), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        with serving(environment | {"IDP_PUBLIC_URL": f"https://localhost:{port}"}, tmp_path, port, *made()) as server:
            allowed, _ = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert (65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)) == allowed


def test_the_doctor_names_a_certificate_that_is_not_believed(environment, tmp_path, made, idp):
    """With the authority in SSL_CERT_FILE all is well."""
    port, options = free_port(), made()
    url = f"https://localhost:{port}"
    with serving(environment | {"IDP_PUBLIC_URL": url}, tmp_path, port, *options):
        doubting = idp("doctor", IDP_PUBLIC_URL=url)
        believing = idp("doctor", IDP_PUBLIC_URL=url, SSL_CERT_FILE=options[1])

    assert f"the certificate of {url} is not believed" in doubting.stdout
    assert "SSL_CERT_FILE" in doubting.stdout
    assert (1, 0) == (doubting.returncode, believing.returncode), believing.stdout
