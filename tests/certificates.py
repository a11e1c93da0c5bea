"""Certificates for clients and servers: self-signed ones, and those of an authority."""

import base64
import ssl
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwk

AUTHORITY = ((x509.BasicConstraints(ca=True, path_length=None), True),)


class Certificate:
    """A certificate with its key; `by` another one (itself), valid from `since` for `days`."""

    def __init__(self, subject="CN=client", *, by=None, since=None, days=30, names=(), extensions=(), key=None):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.subject = subject if isinstance(subject, x509.Name) else x509.Name.from_rfc4514_string(subject)
        since = since or datetime.now(UTC) - timedelta(days=1)
        built = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name((by or self).subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(since + timedelta(days=days))
        )
        if names:
            built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
        for extension, critical in extensions:
            built = built.add_extension(extension, critical)
        self.x509 = built.sign((by or self).key, hashes.SHA256())

    @property
    def der(self):
        return self.x509.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self):
        return ssl.DER_cert_to_PEM_cert(self.der)

    @property
    def key_pem(self):
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

    @property
    def escaped(self):
        """As nginx has it in `$ssl_client_escaped_cert`."""
        return quote(self.pem, safe="")

    @property
    def field(self):
        """As RFC 9440 has it in `Client-Cert`."""
        return f":{base64.b64encode(self.der).decode()}:"

    @property
    def jwks(self):
        """A key set with the certificate (RFC 7517 §4.7)."""
        public = jwk.ECKey.import_key(self.key.public_key()).as_dict(private=False)
        return {"keys": [{**public, "x5c": [base64.b64encode(self.der).decode()]}]}

    def saved(self, directory, name):
        """The paths of certificate and key as PEM files."""
        paths = directory / f"{name}.pem", directory / f"{name}.key"
        for path, text in zip(paths, (self.pem, self.key_pem), strict=True):
            path.write_text(text)
        return paths


def authority(subject="CN=Authority", **changes):
    """A certificate that may make others."""
    return Certificate(subject, **{"extensions": AUTHORITY, **changes})


COMPANY = x509.Name([
    x509.NameAttribute(NameOID.COUNTRY_NAME, "NO"),
    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "North Sea Energy, Ltd"),
    x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, "PSDNO-FSA-1"),
    x509.NameAttribute(NameOID.COMMON_NAME, "forecast"),
])  # fmt: skip
COMPANY_DN = r"CN=forecast,organizationIdentifier=PSDNO-FSA-1,O=North Sea Energy\, Ltd,C=NO"
