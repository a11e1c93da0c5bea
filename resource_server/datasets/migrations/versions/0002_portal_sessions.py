"""The sessions of the portal. They belong to no company, so row-level security has nothing to say about them."""

from alembic import op

revision = "0002"
down_revision = "0001"

_TABLE = """
CREATE TABLE datasets.portal_session (
    digest bytea CONSTRAINT portal_session_pkey PRIMARY KEY,
    sealed text NOT NULL,
    version bigint NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX portal_session_expires_at ON datasets.portal_session (expires_at);
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(_TABLE)


def downgrade() -> None:
    """Drop the table: everybody signs in again."""
    op.execute("DROP TABLE datasets.portal_session")
