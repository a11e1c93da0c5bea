"""A thin resource server to embed: it believes access tokens and decides about datasets.

    server = ResourceServer(issuer="https://id.example.org", audience="https://data.example.org")
    protect(app, server)

    @app.get("/reports")
    @require_scope("reports:read")
    def reports():
        who = current_principal()  # who is asking, and in which company

`server` turns what a request `presented` into a `principal`: by `tokens` (RFC 9068, with the keys of `idp`) or by
`introspection` (RFC 7662), with `dpop` (RFC 9449) or `certificates` (RFC 8705) where the token is bound to its sender;
`guard` does it for Flask; `policy` decides about datasets and knows neither HTTP nor a database.
"""

from resource_server.certificates import ProxyHeader
from resource_server.errors import (
    InsufficientAuthentication,
    InsufficientScope,
    InvalidProof,
    InvalidToken,
    Refused,
    Unavailable,
)
from resource_server.guard import current_principal, protect, require_scope
from resource_server.presented import Presented
from resource_server.principal import Principal
from resource_server.server import ResourceServer

__all__ = [
    "InsufficientAuthentication",
    "InsufficientScope",
    "InvalidProof",
    "InvalidToken",
    "Presented",
    "Principal",
    "ProxyHeader",
    "Refused",
    "ResourceServer",
    "Unavailable",
    "current_principal",
    "protect",
    "require_scope",
]
