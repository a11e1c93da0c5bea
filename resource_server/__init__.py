"""A thin resource server to embed: it believes access tokens and decides about datasets.

    server = ResourceServer(issuer="https://id.example.org", audience="https://data.example.org")
    protect(app, server)

    @app.get("/reports")
    @require_scope("reports:read")
    def reports():
        who = current_principal()  # who is asking, and in which company

`server` turns a header into a `principal`: by `tokens` (RFC 9068, with the keys of `idp`) or by `introspection`
(RFC 7662); `guard` does it for Flask; `policy` decides about datasets and knows neither HTTP nor a database.
"""

from resource_server.errors import InsufficientScope, InvalidToken, Refused, Unavailable
from resource_server.guard import current_principal, protect, require_scope
from resource_server.principal import Principal
from resource_server.server import ResourceServer

__all__ = [
    "InsufficientScope",
    "InvalidToken",
    "Principal",
    "Refused",
    "ResourceServer",
    "Unavailable",
    "current_principal",
    "protect",
    "require_scope",
]
