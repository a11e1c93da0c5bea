"""Clients that an authority vouches for: `tls_client_auth`, RFC 8705 §2.1."""

import base64
from datetime import timedelta
from ipaddress import ip_address

import pytest
from certificates import COMPANY, COMPANY_DN, authority
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from tls_client import HEADER, PKI, TlsClient, refused


@pytest.mark.parametrize(
    ("subject", "names"),
    [
        ({"subject_dn": COMPANY_DN}, []),
        ({"san_dns": "app.example"}, [x509.DNSName("other.example"), x509.DNSName("app.example")]),
        ({"san_uri": "urn:app:1"}, [x509.UniformResourceIdentifier("urn:app:1")]),
        ({"san_ip": "2001:DB8:0:0::1"}, [x509.IPAddress(ip_address("2001:db8::1"))]),
        ({"san_ip": "192.0.2.1"}, [x509.IPAddress(ip_address("192.0.2.1"))]),
        ({"san_email": "app@example.com"}, [x509.RFC822Name("app@example.com")]),
    ],
)
def test_subject_that_an_authority_certified_authenticates(world, made, ca, subject, names):
    """§2.1.2: each of the five members; addresses as numbers."""
    client = TlsClient.of_authority(world, made(COMPANY, by=ca, names=names), **subject)

    assert 200 == client.ask().status_code
    assert refused(client.ask(certificate=made("CN=forecast", by=ca, names=[x509.DNSName("else.example")])))
    assert refused(client.ask(certificate=None))


@pytest.mark.parametrize(
    ("subject", "names"),
    [
        ({"san_dns": "app.example"}, [x509.DNSName("*.example")]),
        ({"san_dns": "app.example"}, [x509.UniformResourceIdentifier("app.example")]),
        ({"san_uri": "app.example"}, [x509.DNSName("app.example")]),
        ({"san_ip": "192.0.2.1"}, [x509.DNSName("192.0.2.1")]),
        ({"san_email": "app@example.com"}, [x509.DNSName("example.com")]),
        ({"subject_dn": "CN=app.example"}, [x509.DNSName("app.example")]),
        ({"subject_dn": "CN=client,O=x"}, []),
        ({"subject_dn": "O=client"}, []),
    ],
)
def test_only_the_registered_kind_of_name_counts(world, made, ca, subject, names):
    """Not the same words elsewhere in the certificate, no wildcard, no part of a name."""
    assert refused(TlsClient.of_authority(world, made(by=ca, names=names), **subject).ask())


def test_order_of_a_distinguished_name_counts(world, made, ca):
    """RFC 4514 §2.1 begins with the last; the other way round is another name."""
    reversed_name = ",".join(reversed(COMPANY_DN.replace(r"\, Ltd", "").split(",")))
    certificate = made(COMPANY, by=ca)

    assert refused(TlsClient.of_authority(world, certificate, subject_dn=reversed_name).ask())


def usage(*purposes):
    return (x509.ExtendedKeyUsage(purposes), False)


def test_certificate_without_a_trusted_authority_is_refused(world, made, ca, clock):
    """§2.1: self-signed, another's, forged in the name of ours, made by a client or a mere leaf, of a weak hash."""
    since = clock() - timedelta(days=1)
    leaf = made("CN=leaf", by=ca)
    untrusted = [
        made("CN=client"),
        made("CN=client", by=authority("CN=Other", since=since)),
        made("CN=client", by=authority(since=since)),
        made("CN=client", by=leaf),
        made("CN=client", by=ca, extensions=[usage(ExtendedKeyUsageOID.SERVER_AUTH)]),
        made("CN=client", by=ca, extensions=[(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3"), b"\5\0"), True)]),
    ]
    client = TlsClient.of_authority(world, made("CN=client", by=ca), subject_dn="CN=client")

    assert 200 == client.ask().status_code
    for certificate in untrusted:
        assert refused(client.ask(certificate=certificate))


@pytest.mark.parametrize(
    "extensions",
    [
        [usage(ExtendedKeyUsageOID.CLIENT_AUTH)],
        [usage(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)],
        [usage(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)],
        [(x509.BasicConstraints(ca=False, path_length=None), True)],
        [(x509.KeyUsage(True, *[False] * 8), True)],
    ],
)
def test_certificates_as_authorities_make_them_are_accepted(world, made, ca, extensions):
    """With and without what the web's rules ask for."""
    certificate = made("CN=client", by=ca, extensions=extensions)

    assert 200 == TlsClient.of_authority(world, certificate, subject_dn="CN=client").ask().status_code


def test_intermediate_authority_in_the_file_counts(reopened, world, made, ca, tmp_path, clock):
    """A proxy hands on the client's certificate alone, so its issuer must be at hand."""
    between = authority("CN=Between", by=ca, since=clock() - timedelta(days=1))
    (tmp_path / "both.pem").write_text(ca.pem + between.pem)
    client = TlsClient.of_authority(world, made("CN=client", by=between), subject_dn="CN=client")

    assert refused(client.ask())
    other = reopened(header=HEADER, proxies=("127.0.0.1",), ca_file=tmp_path / "both.pem")
    client.http = other.test_client(use_cookies=False)
    assert 200 == client.ask().status_code


def test_authority_must_be_one(reopened, world, made, clock, tmp_path):
    """RFC 5280 §4.2.1.9, §4.2.1.3: basicConstraints, and a key for certificates, even when the file lists it."""
    since = clock() - timedelta(days=1)
    for number, extensions in enumerate((
        [],
        [(x509.BasicConstraints(ca=False, path_length=None), True)],
        [(x509.BasicConstraints(ca=True, path_length=None), True), (x509.KeyUsage(True, *[False] * 8), True)],
    )):  # fmt: skip
        none = authority(f"CN=None{number}", since=since, extensions=extensions)
        none.saved(tmp_path, "none")
        other = reopened(header=HEADER, proxies=("127.0.0.1",), ca_file=tmp_path / "none.pem")
        certificate = made("CN=client", by=none)
        client = TlsClient.of(
            world, PKI, certificate, f"tls{number}", client_metadata={"tls_client_auth_subject_dn": "CN=client"}
        )
        client.http = other.test_client(use_cookies=False)
        assert refused(client.ask())


@pytest.mark.parametrize(("days", "later"), [(2, 3), (60, -3), (60, 40)])
def test_time_of_a_certified_certificate_counts(world, made, ca, clock, days, later):
    """RFC 5280 §6.1.3: expired, not yet valid, or its authority expired (after 30 days)."""
    client = TlsClient.of_authority(world, made("CN=client", by=ca, days=days), subject_dn="CN=client")
    clock.advance(days=later)

    assert refused(client.ask())


@pytest.mark.filterwarnings("ignore:Parsed a serial number:cryptography.utils.CryptographyDeprecationWarning")
def test_bytes_that_are_no_certificate_are_refused(world, made, ca, clock):
    """Cut, changed or empty: the parser's failures are refusals (RFC 8705 §7.5)."""
    good = made(COMPANY, by=ca, names=[x509.DNSName("app.example")])
    client = TlsClient.of_authority(world, good, san_dns="app.example")
    assert 200 == client.ask().status_code

    der = good.der
    changed = [der[:i] + bytes([der[i] ^ 0xFF]) + der[i + 1 :] for i in range(0, len(der), 7)]
    for each in [der[:-1], der[:40], b"", b"\0", b"\x30\x00", *changed]:
        clock.advance(2)  # an address may fail sixty times in a minute
        assert client.ask(certificate=f":{base64.b64encode(each).decode()}:").status_code in (400, 401)


def test_extension_that_cannot_be_read_is_a_refusal(world, made, ca):
    """Verification does not look at it; who reads the names does."""
    malformed = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.31"), b"\x30\x03\x02\x01\x01")
    names = [x509.DNSName("app.example")]
    certificate = made(COMPANY, by=ca, names=names, extensions=[(malformed, False)])

    assert refused(TlsClient.of_authority(world, certificate, san_dns="app.example").ask())


def test_rsa_works_too(world, made, ca):
    certificate = made("CN=client", by=ca, key=rsa.generate_private_key(65537, 2048))

    assert 200 == TlsClient.of_authority(world, certificate, subject_dn="CN=client").ask().status_code
