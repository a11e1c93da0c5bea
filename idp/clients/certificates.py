"""The certificate with which a client made its TLS connection: RFC 8705, as the proxy where that ends hands it on.

The proxy's TLS stack has seen the client prove the key; whose certificate it is, is judged here. The header counts only
from a peer that the settings name: to everybody else it is just something that a client sent.
"""

import base64
import hashlib
import re
from collections.abc import Collection
from datetime import datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import unquote

import flask
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from idp import context
from idp.errors import InvalidRequest
from idp.settings import UNIX, Misconfigured
from keys import compact

_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*", re.ASCII)
_FOR_CLIENTS = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})
_WHETHER_CRITICAL_OR_NOT = verification.Criticality.AGNOSTIC


def presented() -> bytes | None:
    """The certificate of the client that sent this HTTP request, as DER; None if it made its connection without one.

    Raises:
        InvalidRequest: what the proxy sent is no certificate.
    """
    handed = context.settings().mutual_tls
    if handed.header is None or not _is_peer(handed.proxies):
        return None
    sent = flask.request.headers.get(handed.header, "")
    if not sent:
        return None
    try:
        return _decoded(sent)
    except ValueError as error:
        raise InvalidRequest("the client certificate cannot be read", private=str(error)) from None


def thumbprint(certificate: bytes) -> str:
    """The `x5t#S256` of a certificate (RFC 8705 §3.1)."""
    return compact.b64text(hashlib.sha256(certificate).digest())


def _is_peer(proxies: Collection[str]) -> bool:
    """Whether the connection itself comes from one of them, whatever X-Forwarded-For says."""
    environ = flask.request.environ
    # ProxyFix keeps what was there before it believed the proxy about the client's address.
    peer = environ.get("werkzeug.proxy_fix.orig", environ).get("REMOTE_ADDR") or UNIX
    if peer == UNIX:
        return UNIX in proxies
    address = ip_address(peer)
    # An IPv4 address as a server shows it that listens for both kinds.
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ip_network(each) for each in proxies if each != UNIX)


def _decoded(sent: str) -> bytes:
    """RFC 9440 §2.2 (`:base64:`), or PEM in percent-encoding, as nginx has it in `$ssl_client_escaped_cert`."""
    if sent[0] == sent[-1] == ":":
        return base64.b64decode(sent[1:-1], validate=True)
    if not (pem := _PEM.fullmatch(unquote(sent))):
        raise ValueError("neither :base64: nor one percent-encoded PEM certificate")
    return base64.b64decode("".join(pem[1].split()), validate=True)


class Untrusted(Exception):
    """No authority vouches for the certificate; the text is for the log."""


class Authorities:
    """Who may vouch for clients: the certificates of a PEM file, intermediate ones too, each trusted as it stands."""

    def __init__(self, file: Path) -> None:
        try:
            self._store = verification.Store(x509.load_pem_x509_certificates(file.read_bytes()))
        except (OSError, ValueError):
            raise Misconfigured("mutual_tls.ca_file has no certificates that can be read: give PEM") from None

    def verified(self, certificate: bytes, now: datetime) -> x509.Certificate:
        """The parsed certificate, if an authority made it for clients and it is valid now (RFC 5280 §6).

        Raises:
            Untrusted: or it is no certificate at all.
        """
        policy = verification.PolicyBuilder().store(self._store).time(now)
        policy = policy.extension_policies(ca_policy=_OF_AUTHORITIES, ee_policy=_OF_CLIENTS)
        try:
            parsed = x509.load_der_x509_certificate(certificate)
            policy.build_client_verifier().verify(parsed, [])
        except _UNREADABLE as error:
            raise Untrusted(f"{type(error).__name__}: {error}") from None
        return parsed


_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    verification.VerificationError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def _signs_certificates(
    _policy: verification.Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage and not usage.key_cert_sign:
        raise ValueError("an authority whose key is not for certificates")


def _is_for_clients(
    _policy: verification.Policy, _certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None
) -> None:
    if usage and _FOR_CLIENTS.isdisjoint(usage):
        raise ValueError("a certificate that is not for TLS clients")


# The web's own rules ask for more than private authorities put into certificates: a subjectAltName, key identifiers.
_OF_AUTHORITIES = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, _WHETHER_CRITICAL_OR_NOT, None)  # cA is the verifier's own check
    .may_be_present(x509.KeyUsage, _WHETHER_CRITICAL_OR_NOT, _signs_certificates)
)
_OF_CLIENTS = verification.ExtensionPolicy.permit_all().may_be_present(
    x509.ExtendedKeyUsage, _WHETHER_CRITICAL_OR_NOT, _is_for_clients
)
