"""A job says how many bytes its artifacts take, or will take, in the store."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STORED = {
    "sqlite": "json_extract(result, '$.curves.size')",
    "postgresql": "CAST(result -> 'curves' ->> 'size' AS bigint)",
}


def upgrade() -> None:
    op.add_column("jobs", sa.Column("stored_bytes", sa.BigInteger(), nullable=False, server_default="0"))
    stored = STORED[op.get_bind().dialect.name]
    op.execute(f"UPDATE jobs SET stored_bytes = coalesce({stored}, 0) WHERE result IS NOT NULL")
    is_stored = sa.text("stored_bytes > 0")
    op.create_index(
        "jobs_by_stored_bytes", "jobs", ["kind", "status", "stored_bytes"],
        sqlite_where=is_stored, postgresql_where=is_stored,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("jobs_by_stored_bytes", "jobs")
    op.execute("ALTER TABLE jobs DROP COLUMN stored_bytes")
