"""What must reach another server: a row in the caller's transaction, sent afterwards by the job process.

So nothing is sent for a transaction that was rolled back, and nothing is lost by a crash. A row is claimed before it is
sent and deleted when it has arrived: at least once, so receivers must be able to drop repeats. Whoever dies between the
two leaves a row that is due again after its back-off: 20 s, then twice as long each time, up to an hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TIMESTAMP, Index, Text, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from idp.context import now
from idp.db import Model, db, uuid7

TRIES = 10


class Outgoing(Model):
    """A message that has not arrived; `failed_at` is set when it will not be tried any more."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_due", "due_at", postgresql_where=text(f"attempts < {TRIES}")),
        Index("outbox_failed_at", "failed_at", postgresql_where=text("failed_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)  # no secret, no token that is not sealed
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    due_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    failed_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


@dataclass(frozen=True, slots=True)
class Message:
    """A claimed message; `id` is the same at every attempt, so it tells receivers what they had already."""

    id: UUID
    kind: str
    payload: Mapping[str, Any]
    attempts: int


# The table and not the class: the ORM's way of an insert costs twice as much.
_INSERT = insert(Outgoing.metadata.tables["outbox"])

# A part of a hot statement, as a CTE, with parameters `message` (an id) and `now`; it sends what the CTE `message` has.
MESSAGE = """
    INSERT INTO outbox (id, kind, payload, created_at, due_at, attempts)
    SELECT %(message)s, kind, payload, %(now)s, %(now)s, 0 FROM message
"""

_CLAIM = f"""
    WITH due AS (
        SELECT id FROM outbox WHERE due_at <= %(now)s AND attempts < {TRIES}
         ORDER BY due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox o
       SET attempts = attempts + 1,
           due_at = %(now)s + least(power(2, attempts + 1) * interval '10 s', interval '1 h')
      FROM due WHERE o.id = due.id RETURNING o.id, o.kind, o.payload, o.attempts
"""  # noqa: S608 - a number

_ARRIVED = "DELETE FROM outbox WHERE id = %(id)s"

# After the last try it is given up at once: there is no next one to wait for.
_FAILED = f"""
    UPDATE outbox SET last_error = %(error)s, due_at = CASE WHEN attempts < {TRIES} THEN due_at ELSE %(now)s END
     WHERE id = %(id)s
"""  # noqa: S608

_GIVE_UP = f"""
    UPDATE outbox SET failed_at = :now WHERE attempts >= {TRIES} AND failed_at IS NULL AND due_at <= :now
    RETURNING kind, payload, last_error
"""  # noqa: S608


def put(kind: str, *payloads: Mapping[str, Any]) -> None:
    """Send these, once the caller's transaction has committed; `kind` is one that an extension delivers."""
    at = now()
    rows = [
        {"id": uuid7(), "kind": kind, "payload": dict(payload), "created_at": at, "due_at": at, "attempts": 0}
        for payload in payloads
    ]
    if rows:
        db.session.execute(_INSERT, rows)


def claim(most: int) -> list[Message]:
    """Take at most so many messages that are due; of processes that ask at once each gets others."""
    with db.hot() as cursor:
        rows = cursor.execute(_CLAIM, {"now": now(), "most": most}).fetchall()
    return [Message(*row) for row in rows]


def arrived(message: Message) -> None:
    """The receiver has it."""
    with db.hot() as cursor:
        cursor.execute(_ARRIVED, {"id": message.id})


def failed(message: Message, error: str) -> None:
    """The receiver does not have it, for this reason; it is tried again unless this was the last try."""
    with db.hot() as cursor:
        cursor.execute(_FAILED, {"id": message.id, "error": error, "now": now()})


def undelivered(most: int) -> Sequence[Outgoing]:
    """What has not arrived, the oldest first."""
    return db.session.scalars(select(Outgoing).order_by(Outgoing.created_at).limit(most)).all()


def give_up() -> list[tuple[str, dict[str, Any], str | None]]:
    """Mark what was tried ten times, in the caller's transaction; kind, payload and last error of each."""
    return [tuple(row) for row in db.session.execute(text(_GIVE_UP), {"now": now()}).all()]
