"""Keys and certificates, made once below a directory: TLS of the instance, and what its clients prove.

* ca.pem: who vouches for the server, for clients to trust
* server.pem, server.key: TLS on localhost
* trading-desk.json, forecast.json: private keys (JWK) with which clients sign
* meter.pem, meter.key: the certificate of a client, self-signed
"""

import base64
import ipaddress
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import ECKey

SIGNING = ("trading-desk", "forecast")
METER = "meter"
_DAYS = timedelta(days=365)


def prepare(directory: Path) -> dict[str, str]:
    """Make what is missing; what clients.toml says of the clients' keys."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (directory / "ca.pem").exists():
        _serve(directory)
    if not (directory / f"{METER}.pem").exists():
        key = generate_private_key(SECP256R1())
        _keep(directory / METER, key, _certificate(METER, key))
    found: dict[str, str] = {}
    for name in SIGNING:
        found |= _values(name, _signing_key(directory / f"{name}.json"))
    key = load_pem_private_key((directory / f"{METER}.key").read_bytes(), None)
    certificate = x509.load_pem_x509_certificate((directory / f"{METER}.pem").read_bytes())
    x5c = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    return found | _values(METER, ECKey.import_key(key)) | {"METER_X5C": x5c}


def _signing_key(file: Path) -> ECKey:
    if file.exists():
        return ECKey.import_key(json.loads(file.read_text()))
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)
    _write(file, json.dumps(key.as_dict(private=True)).encode())
    return key


def _values(name: str, key: ECKey) -> dict[str, str]:
    """The public part, by the names in clients.toml."""
    prefix = name.upper().replace("-", "_")
    public = key.as_dict(private=False)
    return {f"{prefix}_KID": key.thumbprint(), f"{prefix}_X": str(public["x"]), f"{prefix}_Y": str(public["y"])}


def _serve(directory: Path) -> None:
    """An authority for the one certificate that it makes; its key is not kept."""
    authority_key, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    authority = _certificate("Havn example authority", authority_key)
    _keep(directory / "server", key, _certificate("localhost", key, by=(authority, authority_key)))
    _write(directory / "ca.pem", authority.public_bytes(Encoding.PEM))


def _certificate(
    name: str, key: EllipticCurvePrivateKey, by: tuple[x509.Certificate, EllipticCurvePrivateKey] | None = None
) -> x509.Certificate:
    """Of a server on this machine `by` an authority; otherwise self-signed, which an authority is too."""
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    issuer, signer = (by[0].subject, by[1]) if by else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _DAYS)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if by:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _keep(stem: Path, key: EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    _write(stem.with_suffix(".key"), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(stem.with_suffix(".pem"), certificate.public_bytes(Encoding.PEM))


def _write(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)
