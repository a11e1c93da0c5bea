"""DPoP proofs that were used, in PostgreSQL: what one process has seen counts in all (RFC 9449 §11.1)."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from resource_server.datasets.database import Database
from resource_server.datasets.models import Model


class Proof(Model):
    """A proof that was used; it belongs to no company."""

    __tablename__ = "proof"
    __table_args__ = (Index("proof_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[datetime]


# Each new proof takes some old ones away, so that no job has to.
_FIRST = text("""
    WITH over AS (
        DELETE FROM datasets.proof WHERE digest IN (
            SELECT digest FROM datasets.proof WHERE expires_at < :now
             ORDER BY expires_at LIMIT 5 FOR UPDATE SKIP LOCKED)
    )
    INSERT INTO datasets.proof (digest, expires_at) VALUES (:digest, :expires_at) ON CONFLICT DO NOTHING
""")


class SharedProofs:
    """The memory that all processes of the service share; see `resource_server.dpop.Proofs`."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database, self._clock = database, clock

    def first(self, digest: bytes, until: float) -> bool:
        """Whether this proof comes for the first time."""
        moments = {"now": self._clock(), "expires_at": until}
        values = {name: datetime.fromtimestamp(moment, UTC) for name, moment in moments.items()}
        with self._database.engine.begin() as connection:
            return connection.execute(_FIRST, {"digest": digest, **values}).rowcount == 1
