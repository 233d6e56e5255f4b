"""The history of aliases: which version each stood for, when, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alias_history",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("restores", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["version"], ["model_versions.number"]),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("alias_history_by_alias", "alias_history", ["alias", "number"])
    op.execute(
        "INSERT INTO alias_history (alias, version, since, reason) "
        "SELECT alias, number, changed_at, 'set before there was a history' FROM aliases"
    )


def downgrade() -> None:
    op.drop_table("alias_history")
