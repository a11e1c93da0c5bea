"""The single sign-on session: one row a browser and user, the truth behind the cookie."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import TIMESTAMP, ForeignKey, Index, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from idp.db import Model, uuid7


class Session(Model):
    """A signed-in browser; its id is the claim `sid`, its secret exists only in the cookie."""

    __tablename__ = "sso_session"
    __table_args__ = (Index("sso_session_user", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    hash: Mapped[bytes] = mapped_column(
        LargeBinary, unique=True
    )  # SHA-256 of the cookie's secret, new at every sign-in
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text))
    acr: Mapped[str] = mapped_column(Text)
    auth_time: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))  # when a credential was last checked
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), index=True)
    ended_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    user_agent: Mapped[str | None] = mapped_column(Text)


class SessionClient(Model):
    """A client that took part in the session, and the company that was chosen for it last."""

    __tablename__ = "session_client"
    __table_args__ = (Index("session_client_client", "client_id"), Index("session_client_company", "company_id"))

    session_id: Mapped[UUID] = mapped_column(ForeignKey("sso_session.id", ondelete="CASCADE"), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    company_id: Mapped[UUID | None] = mapped_column(ForeignKey("company.id", ondelete="SET NULL"))
