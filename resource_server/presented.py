"""What a request shows of its sender, whichever web framework it came through."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Presented:
    """The headers and the connection of one request; every value of a header is handed in, repeated ones too."""

    authorization: Sequence[str] = ()
    dpop: Sequence[str] = ()
    method: str = "GET"
    base: str = ""  # the URL at which clients reach this server, as configured and never from the Host header
    path: str = ""  # below it, decoded once as WSGI does
    certificate: bytes | None = None  # DER; of the TLS connection, as a trusted proxy tells (`certificates`)
