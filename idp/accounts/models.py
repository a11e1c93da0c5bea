"""The people who sign in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TIMESTAMP, CheckConstraint, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from idp.db import Model, uuid7


class User(Model):
    """A person; `sub` names them to others for ever, `username` and `email` are only what they type."""

    __tablename__ = "user_account"
    __table_args__ = (
        # One sign-in field takes both: a user name without "@" can never be mistaken for an address.
        CheckConstraint("username !~ '@'", name="username_is_no_address"),
        Index("user_account_username", text("lower(username)"), unique=True),
        # Two people may claim an address, only one can have proved it.
        Index(
            "user_account_email",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("email_verified_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    sub: Mapped[str] = mapped_column(Text, unique=True)  # random and never reassigned; kept on import
    username: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    email_verified_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    claims: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # standard claims, OpenID Connect Core §5.1
    password: Mapped[str | None] = mapped_column(Text)  # PHC string, scrypt; none: no sign-in by password
    operator: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    disabled_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
