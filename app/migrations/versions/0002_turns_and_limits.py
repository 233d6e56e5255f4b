"""Jobs get an order, a worker, limits and a time before which they do not run; workers get a version."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIMES = ("not_before", "stepped_at", "deadline")


def upgrade() -> None:
    # No batch mode: on SQLite it copies the table, and dropping the old one deletes every job's events.
    op.drop_index("jobs_by_status", "jobs")
    moment = sa.Column("turn", sa.DateTime(timezone=True), nullable=False, server_default="2000-01-01 00:00:00.000000")
    op.add_column("jobs", moment)
    op.execute("UPDATE jobs SET turn = created_at")
    op.add_column("jobs", sa.Column("worker", sa.String(), nullable=True))
    for name in TIMES:
        op.add_column("jobs", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index("jobs_by_status", "jobs", ["status", "id"])
    op.create_index("jobs_by_kind", "jobs", ["kind", "status", "id"])
    op.create_index("jobs_by_turn", "jobs", ["status", "queue", "turn", "not_before"])
    op.create_index("jobs_by_deadline", "jobs", ["deadline"])
    op.add_column("workers", sa.Column("version", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("workers", "version")
    for index in ("jobs_by_deadline", "jobs_by_turn", "jobs_by_kind", "jobs_by_status"):
        op.drop_index(index, "jobs")
    for name in ("turn", "worker", *TIMES):
        op.drop_column("jobs", name)
    op.create_index("jobs_by_status", "jobs", ["status", "queue", "id"])
