"""What a subject allowed a client: remembered (consent), and handed out (grant)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TIMESTAMP, ForeignKey, Index, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from idp.db import Model, uuid7


class Consent(Model):
    """What a user allowed a client in a company, so that it is not asked again."""

    __tablename__ = "consent"
    __table_args__ = (
        # A user without a company consents too: there, null equals null.
        UniqueConstraint("user_id", "client_id", "company_id", "all_companies", postgresql_nulls_not_distinct=True),
        Index("consent_client", "client_id"),
        Index("consent_company", "company_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id", ondelete="CASCADE"))
    company_id: Mapped[UUID | None] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    all_companies: Mapped[bool] = mapped_column(default=False)  # given for company=*, which is more than no company
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    details: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    given_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    withdrawn_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


class Grant(Model):
    """One completed authorization: what was asked, how the user had signed in, for which company.

    Only `generation`, `rotated_at` and the end change afterwards. Tokens have no rows: they point here by `grant_id`.
    """

    __tablename__ = "oauth_grant"
    __table_args__ = (
        # Not partial: deleting what a key points to looks for every row, the revoked ones too.
        Index("oauth_grant_user", "user_id"),
        Index("oauth_grant_client", "client_id"),
        Index("oauth_grant_session", "session_id"),
        Index("oauth_grant_company", "company_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id", ondelete="CASCADE"))
    company_id: Mapped[UUID | None] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    all_companies: Mapped[bool] = mapped_column(default=False)  # company=*: the map instead of one company
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("sso_session.id", ondelete="SET NULL"))
    offline: Mapped[bool] = mapped_column(default=False)  # survives the session (offline_access)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    resources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    details: Mapped[list[Any] | None] = mapped_column(JSONB)
    claims: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # the claims request, OpenID Connect Core §5.5
    acr: Mapped[str] = mapped_column(Text)
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text))
    auth_time: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    generation: Mapped[int] = mapped_column(default=0)  # of the refresh token that is valid now
    rotated_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    reason: Mapped[str | None] = mapped_column(Text)
