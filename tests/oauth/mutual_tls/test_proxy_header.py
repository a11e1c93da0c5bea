"""Where a client's certificate comes from: a header of the trusted proxy alone (RFC 8705 §6.5, RFC 9440)."""

import pytest
from tls_client import HEADER, TlsClient

from idp.settings import MutualTlsSettings


@pytest.mark.parametrize("form", ["escaped", "field"])
def test_certificate_comes_as_nginx_or_rfc_9440_writes_it(world, made, form):
    """`$ssl_client_escaped_cert`, and `:base64:` of RFC 9440 §2.2."""
    certificate = made()
    client = TlsClient.self_signed(world, certificate)

    assert 200 == client.ask(certificate=getattr(certificate, form)).status_code


@pytest.mark.parametrize(
    "sent",
    [
        "x", ":", "::", ":x:", ":AAAA", "%", "%zz", "-----BEGIN CERTIFICATE-----", "(null)", "%00", "é", ":é:",
        "a" * 20_000, "-----BEGIN%20CERTIFICATE-----%0A-----END%20CERTIFICATE-----%0A", ":" + "A" * 20_000 + ":",
    ],
)  # fmt: skip
def test_header_that_is_no_certificate_is_refused(world, made, sent):
    """The proxy is at fault, and nobody gets further: 4xx, never a failure."""
    client = TlsClient.self_signed(world, made())

    assert client.ask(certificate=sent).status_code in (400, 401)


def test_two_certificates_are_none(world, made):
    """What the client sent beside what the proxy made of it must not count: both stand in the header."""
    own, other = made(), made("CN=other")
    client = TlsClient.self_signed(world, own)

    for sent in (f"{own.escaped},{other.escaped}", own.escaped + other.escaped, f"{own.field}, {other.field}"):
        assert 400 == client.ask(certificate=sent).status_code


@pytest.mark.parametrize(
    ("proxies", "peer", "believed"),
    [
        (("127.0.0.1",), "127.0.0.1", True),
        (("127.0.0.1",), "::ffff:127.0.0.1", True),
        (("10.0.0.0/8", "2001:db8::/32"), "10.1.2.3", True),
        (("10.0.0.0/8", "2001:db8::/32"), "2001:db8::1", True),
        (("10.0.0.0/8",), "11.0.0.1", False),
        (("10.0.0.0/8",), "", False),
        (("unix",), "", True),
        (("unix",), "127.0.0.1", False),
    ],
)
def test_header_counts_from_the_proxy_alone(reopened, world, made, proxies, peer, believed):
    """Its address, or the Unix socket, which shows no address; from everybody else the header is nothing."""
    client = TlsClient.self_signed(world, made())
    client.http = reopened(header=HEADER, proxies=proxies).test_client(use_cookies=False)
    client.http.environ_base["REMOTE_ADDR"] = peer

    assert (200 if believed else 401) == client.ask().status_code


def test_x_forwarded_for_does_not_make_a_proxy(another, settings, world, made):
    """Behind a proxy whose X-Forwarded-For is believed it is still the connection that counts."""
    deploy = settings.deploy.model_copy(update={"proxies": 1})
    client = TlsClient.self_signed(world, made())
    behind = another(deploy=deploy, mutual_tls=MutualTlsSettings(header=HEADER, proxies=("10.0.0.1",)))
    client.http = behind.test_client(use_cookies=False)

    answers = []
    for peer, forwarded in (("10.0.0.1", "192.0.2.1"), ("192.0.2.1", "10.0.0.1")):
        client.http.environ_base["REMOTE_ADDR"] = peer
        answers.append(client.ask(headers={"X-Forwarded-For": forwarded}).status_code)

    assert [200, 401] == answers
