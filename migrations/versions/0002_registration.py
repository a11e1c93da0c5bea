"""Registration by clients: tokens that admit to it, and proofs that work once. Expand step."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "replay",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("replay_pkey")),
    )
    op.create_index(op.f("replay_expires_at"), "replay", ["expires_at"], unique=False)
    op.create_table(
        "initial_access_token",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("initial_access_token_company_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("initial_access_token_pkey")),
    )
    op.create_index(op.f("initial_access_token_company_id"), "initial_access_token", ["company_id"], unique=False)
    op.create_index(op.f("initial_access_token_expires_at"), "initial_access_token", ["expires_at"], unique=False)
    # Nullable for good: a client that was declared does not manage itself.
    op.add_column("client", sa.Column("registration_token", sa.LargeBinary(), nullable=True))
