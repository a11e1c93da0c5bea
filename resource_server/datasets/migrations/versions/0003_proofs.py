"""DPoP proofs that were used. They belong to no company."""

from alembic import op

revision = "0003"
down_revision = "0002"

_TABLE = """
CREATE TABLE datasets.proof (
    digest bytea CONSTRAINT proof_pkey PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX proof_expires_at ON datasets.proof (expires_at);
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(_TABLE)


def downgrade() -> None:
    """Drop the table."""
    op.execute("DROP TABLE datasets.proof")
