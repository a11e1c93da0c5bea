"""Authorizations that a user approves elsewhere while the client polls. Expand step."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

_TABLE = "decoupled_authorization"


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("user_code", sa.LargeBinary(), nullable=True),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("pause", sa.Integer(), nullable=False),
        sa.Column("next_poll_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("slow_down", sa.Boolean(), nullable=False),
        sa.Column("ping", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('device', 'ciba')", name=op.f(f"{_TABLE}_kind_is_known")),
        sa.CheckConstraint("state IN ('pending', 'approved', 'denied')", name=op.f(f"{_TABLE}_state_is_known")),
        sa.CheckConstraint(
            "(state = 'approved') = (grant_id IS NOT NULL)", name=op.f(f"{_TABLE}_approved_has_a_grant")
        ),
        sa.CheckConstraint("(kind = 'ciba') = (user_id IS NOT NULL)", name=op.f(f"{_TABLE}_ciba_knows_its_user")),
        sa.CheckConstraint(
            "(kind = 'device') = (user_code IS NOT NULL)", name=op.f(f"{_TABLE}_device_has_a_user_code")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f(f"{_TABLE}_client_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f(f"{_TABLE}_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["oauth_grant.id"], name=op.f(f"{_TABLE}_grant_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f(f"{_TABLE}_pkey")),
        sa.UniqueConstraint("user_code", name=op.f(f"{_TABLE}_user_code_key")),
    )
    for column in ("client_id", "user_id", "network", "grant_id", "expires_at"):
        op.create_index(op.f(f"{_TABLE}_{column}"), _TABLE, [column], unique=False)
