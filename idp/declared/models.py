"""What was declared before: the only rows that `--prune` may remove."""

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from idp.db import Model


class Declared(Model):
    """A thing that came from a declaration, by its natural key."""

    __tablename__ = "declared"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)  # company, user, resource, client
    key: Mapped[str] = mapped_column(Text, primary_key=True)
