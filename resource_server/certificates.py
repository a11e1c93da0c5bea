"""Client certificates (RFC 8705 §3): TLS ends at a proxy, which writes what it saw into a header.

The header counts only when the proxy itself connects to us; from anybody else it is what they wish to be. The proxy
must drop such a header of its clients.
"""

import base64
import hashlib
import ssl
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from urllib.parse import unquote

MAX_HEADER = 16 * 1024  # characters


class ProxyHeader:
    """Where the certificate stands, and who may say so.

    Args:
        name: of the header: nginx's `$ssl_client_escaped_cert`, or `Client-Cert` (RFC 9440 §2.2).
        proxies: addresses and networks of the proxies; "unix" for connections through a socket without addresses.
    """

    def __init__(self, name: str, proxies: Sequence[str]) -> None:
        if not name or not proxies:
            raise ValueError("a certificate's header needs a name and the proxies that may write it")
        self.name = name
        self._unix = "unix" in proxies
        self._networks = [ip_network(entry) for entry in proxies if entry != "unix"]

    def read(self, value: str | None, peer: str | None) -> bytes | None:
        """The certificate (DER) in a header's value, if `peer`, the other end of the connection, is a proxy."""
        if not value or len(value) > MAX_HEADER or not self._trusted(peer):
            return None
        try:
            if value.startswith(":") and value.endswith(":"):
                return base64.b64decode(value[1:-1], validate=True)
            return ssl.PEM_cert_to_DER_cert(unquote(value))
        except ValueError:
            return None

    def _trusted(self, peer: str | None) -> bool:
        try:
            address = ip_address(peer or "")
        except ValueError:
            return self._unix
        return any(address in network for network in self._networks)


def thumbprint(certificate: bytes) -> str:
    """The `x5t#S256` of a certificate (RFC 8705 §3.1)."""
    return base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=").decode()
