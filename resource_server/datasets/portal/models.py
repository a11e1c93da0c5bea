"""The portal's one table."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from resource_server.datasets.models import Model


class PortalSession(Model):
    """Somebody who is signed in at the portal; the browser has the secret, the row has the tokens."""

    __tablename__ = "portal_session"
    __table_args__ = (Index("portal_session_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)  # SHA-256 of the secret in the cookie
    sealed: Mapped[str]  # tokens and names, as JWE: a copy of the database signs nobody in
    version: Mapped[int]  # grows with every change, so that of two requests that refresh one is kept
    expires_at: Mapped[datetime]
