"""A second resource server: reports, which the dataset service asks for on somebody's behalf.

This is all that an API needs to take tokens that are bound to a key. Run by granian, gunicorn, or what you like.
"""

import os

from flask import Flask

from resource_server import ResourceServer, current_principal, protect, require_scope

app = Flask(__name__)
server = ResourceServer(
    issuer=os.environ["IDP_PUBLIC_URL"],
    audience=os.environ["REPORTS_URL"],
    scopes=["datasets:read"],
    bound_only=True,
)
protect(app, server)


@app.get("/reports")
@require_scope("datasets:read")
def reports() -> dict[str, object]:
    """Whom the reports are for, and who asked for them: `act` (RFC 8693 §4.1)."""
    who = current_principal()
    return {"sub": who.sub, "company_id": who.company_id, "act": who.claims.get("act"), "reports": []}
