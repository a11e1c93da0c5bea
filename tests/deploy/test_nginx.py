"""deploy/nginx in front of a served provider: certificates reach it, and nothing that a client says of itself does."""

import http.client
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from actors import unverified
from certificates import Certificate, authority
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from handshakes import refusal, suites
from serving import free_port, listens, serving
from tls_client import BOUND, PKI, TlsClient, thumbprint

ROOT = Path(__file__).parents[2]
PUBLIC, MTLS = "id.example.com", "mtls.id.example.com"
_AROUND = """
daemon off;
pid {here}/pid;
error_log stderr warn;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {here}/body;
    proxy_temp_path {here}/proxy;
    fastcgi_temp_path {here}/fastcgi;
    uwsgi_temp_path {here}/uwsgi;
    scgi_temp_path {here}/scgi;
    include conf.d/*.conf;
}}
"""


def program():
    """The system's nginx, or the one that `make test` unpacked."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/opt/homebrew/bin", str(ROOT / ".venv/nginx/usr/sbin")])
    found = shutil.which("nginx", path=path)
    assert found, "nginx is missing: `make nginx` says how to get it"
    return found


def arranged(here, backend, port, certificates):
    """The configuration as it is in deploy/, with the ports and files of this test."""
    shutil.copytree(ROOT / "deploy" / "nginx", here, dirs_exist_ok=True)
    file = here / "conf.d" / "havn.conf"
    text = file.read_text()
    for old, new in (
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{backend};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("    listen [::]:443 ssl;\n", ""),
        ("/etc/ssl/havn/", f"{certificates}/"),
    ):
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (here / "nginx.conf").write_text(_AROUND.format(here=here, user=user))


@contextmanager
def proxying(here, port):
    command = [program(), "-p", str(here), "-c", "nginx.conf", "-e", "stderr"]
    with open(here / "log", "w") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        end = time.monotonic() + 15
        while not listens(port):
            assert process.poll() is None, (here / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=15)


@pytest.fixture(scope="module")
def ca():
    return authority()


@pytest.fixture(scope="module")
def front(tmp_path_factory, idp_database, ca):
    """The port of nginx, with the provider behind it."""
    here = tmp_path_factory.mktemp("front")
    backend, port = free_port(), free_port()
    ca.saved(here, "ca")
    for name in (PUBLIC, MTLS):
        key = rsa.generate_private_key(65537, 2048)
        Certificate(f"CN={name}", key=key, names=[x509.DNSName(name)]).saved(here, name)
    arranged(here, backend, port, here)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(here),
        "IDP_PUBLIC_URL": f"https://{PUBLIC}",
        "IDP_DATABASE_URL": idp_database.application,
        "IDP_MIGRATIONS_DATABASE_URL": idp_database.owner,
        "IDP_KEYS__KEK": bytes(range(32)).hex(),
        "IDP_REGISTRATION__OPEN": "true",
        "IDP_REGISTRATION__HOURLY": "2",
        "IDP_DEPLOY__PROXIES": "1",
        "IDP_MUTUAL_TLS__HEADER": "Client-Cert",
        "IDP_MUTUAL_TLS__PROXIES": '["127.0.0.1"]',
        "IDP_MUTUAL_TLS__URL": f"https://{MTLS}",
        "IDP_MUTUAL_TLS__CA_FILE": str(here / "ca.pem"),
    }
    with serving(environment, here, backend, "--workers", "1"), proxying(here, port):
        yield port


@pytest.fixture
def ask(front, tmp_path):
    """One request on a TLS connection of its own; status, headers and JSON."""

    def send(path, form=None, *, host=MTLS, certificate=None, headers=()):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(*certificate.saved(tmp_path, "client"))
        connection = http.client.HTTPSConnection(host, front, context=context, timeout=15)
        connection._create_connection = lambda _address, *rest: socket.create_connection(("127.0.0.1", front), *rest)
        body = urlencode(form) if form else None
        sent = {"Content-Type": "application/x-www-form-urlencoded", **dict(headers)}
        connection.request("POST" if form else "GET", path, body, sent)
        with connection.getresponse() as answer:
            text = answer.read()
            found = json.loads(text) if answer.headers.get_content_type() == "application/json" else text
        connection.close()
        return answer.status, answer.headers, found

    return send


@pytest.fixture
def token(ask):
    """Ask for a token of a client's own."""

    def send(client, **changes):
        return ask("/oauth2/token", {"grant_type": "client_credentials", "client_id": client.client_id}, **changes)

    return send


@pytest.fixture
def registered(world):
    """A client of the certificate; each has a new name, since the provider remembers clients for some seconds."""

    def made(certificate, **fields):
        return TlsClient.self_signed(world, certificate, client_id=secrets.token_hex(8), **fields)

    return made


def test_certificate_arrives(registered, token):
    """Self-signed, for which nginx has no authority; it authenticates, and binds the token."""
    certificate = Certificate()
    client = registered(certificate, client_metadata={BOUND: True})

    status, _, answer = token(client, certificate=certificate)

    assert 200 == status
    assert {"x5t#S256": thumbprint(certificate)} == unverified(answer["access_token"])["cnf"]
    assert 401 == token(client, certificate=Certificate())[0]
    assert 401 == token(client)[0]


def test_expired_certificate_arrives_too(registered, token):
    """nginx has its own answer to it; method and body reach the provider nonetheless, which knows the certificate."""
    certificate = Certificate(days=0.5)

    assert 200 == token(registered(certificate), certificate=certificate)[0]


def test_authority_and_time_are_judged_by_the_provider(world, token, ca):
    """Its refusal, in JSON, and not a page of nginx."""
    client = TlsClient.of(
        world, PKI, client_id=secrets.token_hex(8), client_metadata={"tls_client_auth_subject_dn": "CN=client"}
    )

    assert 200 == token(client, certificate=Certificate(by=ca))[0]
    for certificate in (Certificate(by=ca, days=0.5), Certificate(by=authority()), Certificate()):
        status, _, answer = token(client, certificate=certificate)
        assert (401, "invalid_client") == (status, answer["error"])


@pytest.mark.parametrize("host", [PUBLIC, MTLS])
@pytest.mark.parametrize("name", ["Client-Cert", "client-cert", "Client_Cert", "CLIENT_CERT"])
def test_header_of_a_client_is_dropped(registered, token, host, name):
    """With a certificate of its own and without, however the name is written: servers read _ and - alike."""
    victim = Certificate()
    client = registered(victim)

    for own in (None, Certificate()):
        for value in (victim.escaped, victim.field):
            assert 401 == token(client, host=host, certificate=own, headers={name: value})[0]
    assert 200 == token(client, certificate=victim, headers={name: Certificate().escaped})[0]


def test_public_host_asks_nobody_for_a_certificate(registered, token):
    """A browser would show its owner a question; so a certificate is not even seen there."""
    certificate = Certificate()
    client = registered(certificate)

    assert 401 == token(client, host=PUBLIC, certificate=certificate)[0]
    assert 200 == token(client, host=MTLS, certificate=certificate)[0]


def test_discovery_sends_clients_to_the_right_host(ask):
    """RFC 8705 §5."""
    _, _, document = ask("/.well-known/openid-configuration", host=PUBLIC)

    assert f"https://{MTLS}/oauth2/token" == document["mtls_endpoint_aliases"]["token_endpoint"]


@pytest.mark.parametrize("host", [PUBLIC, MTLS])
def test_only_tls_that_bcp_195_recommends(front, host):
    """RFC 9325 §3.1.1, §4.2: TLS 1.3 and 1.2; of that ECDHE with AES-GCM alone (for a server with an RSA key)."""
    assert {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"} == suites(front, host)
    assert "TLSv1.3" == refusal(front, host, ssl.TLSVersion.TLSv1_3)
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        assert "TLSV1_ALERT_PROTOCOL_VERSION" == refusal(front, host, old)


def test_strict_transport_security_stands_on_every_answer(ask):
    """Once, on the provider's and on nginx's own."""
    for path, form in (("/health/live", None), ("/oauth2/token", {"x": "x" * 200_000}), ("/nowhere", None)):
        _, headers, _ = ask(path, form, host=PUBLIC)
        assert ["max-age=63072000; includeSubDomains"] == headers.get_all("Strict-Transport-Security")


def test_address_of_the_client_is_what_nginx_saw(ask):
    """An X-Forwarded-For of the client's own is replaced: who registers too often is known by address."""
    answers = []
    for number in range(3):
        headers = {"X-Forwarded-For": f"192.0.2.{number}", "Content-Type": "application/json"}
        answers.append(ask("/oauth2/register", {"not": "json"}, headers=headers)[0])

    assert [400, 400, 429] == answers
