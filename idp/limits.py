"""Attempt counters in PostgreSQL, shared by all processes: guessing is limited, the owner never locked out."""

from datetime import datetime

from sqlalchemy import TIMESTAMP, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from idp.db import db


class Attempt(db.Model):
    """How often something was tried in one bucket of time; the key is an HMAC, so the table names nobody."""

    __tablename__ = "attempt"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    bucket: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), primary_key=True, index=True)
    count: Mapped[int] = mapped_column(default=1)
