"""Companies, and who belongs to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TIMESTAMP, BigInteger, CheckConstraint, ForeignKey, Index, Sequence, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from idp.accounts.models import User
from idp.db import Model, uuid7

# A sequence and not a counter in the row: the version grows over leaving and rejoining too.
member_version = Sequence("member_version", metadata=Model.metadata, data_type=BigInteger)


class Company(Model):
    """A customer; its users share what it bought."""

    __tablename__ = "company"
    __table_args__ = (CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="slug_is_plain"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # walled, second_factor, max_session (seconds)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    disabled_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


class Member(Model):
    """A user in a company, with the roles that hold there and nowhere else."""

    __tablename__ = "member"
    __table_args__ = (
        CheckConstraint("cardinality(roles) > 0", name="has_a_role"),
        # "Which companies is this user in?" is asked whenever a token is issued.
        Index("member_user", "user_id", "company_id"),
    )

    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    source: Mapped[str] = mapped_column(Text, default="local")
    # The `member_ver` claim: the next value of the sequence at every change.
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("nextval('member_version')"))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    suspended_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))

    company: Mapped[Company] = relationship()
    user: Mapped[User] = relationship()
