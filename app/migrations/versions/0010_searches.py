"""A job may be a trial of a search, or the training that tests its winner."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("search_id", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("search_role", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("trial", sa.Integer(), nullable=True))
    op.create_index("jobs_by_search", "jobs", ["search_id", "search_role", "trial"], unique=True)


def downgrade() -> None:
    op.drop_index("jobs_by_search", "jobs")
    for name in ("trial", "search_role", "search_id"):
        op.execute(f"ALTER TABLE jobs DROP COLUMN {name}")
