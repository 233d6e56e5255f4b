"""Columns of jobs are renamed, and a claim counts as failed when it fails, not when it begins."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RENAMED = {
    "turn": "queue_order",
    "not_before": "run_after",
    "hinted_at": "notified_at",
    "charged_attempts": "failed_attempts",
}


def upgrade() -> None:
    op.drop_index("jobs_by_turn", "jobs")
    for old, new in RENAMED.items():
        # Not op.alter_column: on SQLite it needs batch mode, which copies the table and deletes every job's events.
        op.execute(f"ALTER TABLE jobs RENAME COLUMN {old} TO {new}")
    op.create_index("jobs_by_queue_order", "jobs", ["status", "queue", "queue_order", "run_after"])
    op.execute("UPDATE jobs SET failed_attempts = failed_attempts - 1 WHERE status = 'running'")


def downgrade() -> None:
    op.execute("UPDATE jobs SET failed_attempts = failed_attempts + 1 WHERE status = 'running'")
    op.drop_index("jobs_by_queue_order", "jobs")
    for old, new in RENAMED.items():
        op.execute(f"ALTER TABLE jobs RENAME COLUMN {new} TO {old}")
    op.create_index("jobs_by_turn", "jobs", ["status", "queue", "turn", "not_before"])
