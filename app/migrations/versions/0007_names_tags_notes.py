"""Jobs have names and tags, and say which job they are a changed retry of; model versions have notes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("name", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("origin", sa.JSON(), nullable=True))
    op.create_index("jobs_by_name", "jobs", ["name", "id"])
    op.create_table(
        "job_tags",
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag", "job_id"),
    )
    op.create_index("ix_job_tags_job_id", "job_tags", ["job_id"])
    op.add_column("model_versions", sa.Column("note", sa.String(), nullable=True))


def downgrade() -> None:
    op.execute("ALTER TABLE model_versions DROP COLUMN note")
    op.drop_table("job_tags")
    op.drop_index("jobs_by_name", "jobs")
    op.execute("ALTER TABLE jobs DROP COLUMN origin")
    op.execute("ALTER TABLE jobs DROP COLUMN name")
