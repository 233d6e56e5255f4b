"""A job says since when it waits, and what it was asked for where its spec was changed later."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default, because SQLite adds no column without one that cannot be null.
    queued_at = sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False, server_default="1970-01-01 00:00:00")
    op.add_column("jobs", queued_at)
    op.add_column("jobs", sa.Column("as_submitted", sa.JSON(), nullable=True))
    op.execute("UPDATE jobs SET queued_at = created_at")


def downgrade() -> None:
    for name in ("as_submitted", "queued_at"):
        op.execute(f"ALTER TABLE jobs DROP COLUMN {name}")
