"""Security events: what a company or an operator may have to explain later, one row each.

A row for sign-in, consent, refusals, replay, revocation and administration, written in the transaction of the act: by
`record()` in the caller's, by EVENT within the one statement that acts, or by `at_once()` where the act has no other
row. Routine issuing, refreshing and redeeming are log lines. The application may insert and read, never change or
delete.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import TIMESTAMP, Index, Text, func, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from idp.db import Model, db, uuid7


class SecurityEvent(Model):
    """Something happened; no foreign keys, since the event outlives whom it names."""

    __tablename__ = "security_event"
    __table_args__ = (
        Index("security_event_company", "company_id", "at"),
        Index("security_event_user", "user_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    kind: Mapped[str] = mapped_column(Text)  # "login.failure", "refresh_token.replayed", …
    company_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    client_id: Mapped[str | None] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # never a secret, never a token


# The table and not the class: the ORM's way of an insert costs twice as much.
_INSERT = insert(SecurityEvent.metadata.tables["security_event"])

INTO = "INSERT INTO security_event (id, kind, company_id, user_id, client_id, facts)"

# A part of a hot statement, as a CTE; its parameters come from `values()`. A WHERE may follow.
EVENT = f"""
    {INTO}
    SELECT %(event_id)s, %(event)s, %(event_company)s, %(event_user)s, %(event_client)s, %(event_facts)s
"""


def record(
    kind: str,
    *,
    company_id: UUID | None = None,
    user_id: UUID | None = None,
    client_id: str | None = None,
    **facts: Any,  # noqa: ANN401 - whatever JSON can hold
) -> None:
    """Write a security event in the caller's transaction."""
    row = {"kind": kind, "company_id": company_id, "user_id": user_id, "client_id": client_id, "facts": facts}
    db.session.execute(_INSERT, {"id": uuid7(), **row})


def at_once(kind: str, **about: Any) -> None:  # noqa: ANN401
    """Write a security event as a transaction of its own; arguments as of `record()`."""
    with db.hot() as cursor:
        cursor.execute(EVENT, values(kind, **about))


def values(
    kind: str,
    *,
    company_id: UUID | None = None,
    user_id: UUID | None = None,
    client_id: str | None = None,
    **facts: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """The parameters of EVENT."""
    return {
        "event_id": uuid7(),
        "event": kind,
        "event_company": company_id,
        "event_user": user_id,
        "event_client": client_id,
        "event_facts": Jsonb(facts),
    }
