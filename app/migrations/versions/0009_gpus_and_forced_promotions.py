"""Workers name their GPU, and the history of an alias says whether a change was forced past the gate."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("gpu_name", sa.String(), nullable=True))
    op.add_column("workers", sa.Column("gpu_memory_bytes", sa.BigInteger(), nullable=True))
    op.add_column("alias_history", sa.Column("forced", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for table, column in (("alias_history", "forced"), ("workers", "gpu_memory_bytes"), ("workers", "gpu_name")):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
