"""Names of users that one sector of clients shares. Expand step."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "pairwise_subject",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("pairwise_subject_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "sector", name=op.f("pairwise_subject_pkey")),
        sa.UniqueConstraint("sector", "sub", name=op.f("pairwise_subject_sector_sub_key")),
    )
