"""What a request shows of its sender, whichever web framework it came through."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Presented:
    """The headers and the connection of one request; every value of a header is handed in, repeated ones too."""

    authorization: Sequence[str] = ()
    dpop: Sequence[str] = ()
    method: str = "GET"
    url: str = ""  # as clients reach it, by the configured public URL and never by the Host header
    certificate: bytes | None = None  # DER; of the TLS connection, as a trusted proxy tells (`certificates`)
