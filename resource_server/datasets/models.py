"""The tables of the dataset service. Rows of data name their company: row-level security hides those of others."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Model(DeclarativeBase):
    """The base of every table, with names for constraints that migrations can rely on."""

    metadata = MetaData(
        schema="datasets",
        naming_convention={
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        },
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it from the class)
        str: Text,
        int: BigInteger,
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
    }


class Dataset(Model):
    """A named piece of data that belongs to one company and one person in it."""

    __tablename__ = "dataset"
    __table_args__ = (
        CheckConstraint("char_length(name) BETWEEN 1 AND 200", name="name"),
        CheckConstraint("mode IN ('company', 'restricted')", name="mode"),
        CheckConstraint("size BETWEEN 0 AND 16777216", name="size"),
        # What refers to a dataset names its company too, so that no row can point across companies.
        UniqueConstraint("id", "company_id"),
        # The two orders of the list, within a company.
        Index("dataset_by_name", "company_id", "name", "id"),
        Index("dataset_by_age", "company_id", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)  # version 4: 122 random bits, so never guessed and never reused
    company_id: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    mode: Mapped[str]
    owner: Mapped[str]  # the `sub` of a member, or the `client_id` of a company's client
    media_type: Mapped[str]
    size: Mapped[int]  # bytes
    digest: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256 of the content: its ETag
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Share(Model):
    """What one person may do with one dataset, until when."""

    __tablename__ = "share"
    __table_args__ = (
        ForeignKeyConstraint(
            ["dataset_id", "company_id"],
            ["dataset.id", "dataset.company_id"],
            ondelete="CASCADE",
            name="share_dataset_fkey",
        ),
        CheckConstraint("access IN ('read', 'modify')", name="access"),
        # "What is shared with this person?" is asked by every list.
        Index("share_by_sub", "sub", "dataset_id"),
    )

    dataset_id: Mapped[UUID] = mapped_column(primary_key=True)
    sub: Mapped[str] = mapped_column(primary_key=True)
    company_id: Mapped[str]
    access: Mapped[str]
    expires_at: Mapped[datetime | None]  # the first moment at which it holds no more
    given_by: Mapped[str]
    created_at: Mapped[datetime]


class Chunk(Model):
    """A piece of a dataset's content, so that 16 MiB never lie in memory at once."""

    __tablename__ = "content"
    __table_args__ = (
        ForeignKeyConstraint(
            ["dataset_id", "company_id"],
            ["dataset.id", "dataset.company_id"],
            ondelete="CASCADE",
            name="content_dataset_fkey",
        ),
    )

    dataset_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[str]
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Event(Model):
    """Who changed what others may do; the application may add rows and read them, no more."""

    __tablename__ = "event"
    __table_args__ = (Index("event_by_dataset", "dataset_id", "at"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    company_id: Mapped[str]
    dataset_id: Mapped[UUID]  # no foreign key: the trace outlives the dataset
    actor: Mapped[str]  # `sub`
    client_id: Mapped[str]
    kind: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
