"""The history of aliases keeps the numbers of versions that have been deleted."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NAME = "alias_history_version_fkey"  # as PostgreSQL calls it; SQLite has no name for it
NAMING = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}
KEPT = {"sqlite_autoincrement": True}  # SQLite makes the table anew


def upgrade() -> None:
    with op.batch_alter_table("alias_history", naming_convention=NAMING, table_kwargs=KEPT) as table:
        table.drop_constraint(NAME, type_="foreignkey")


def downgrade() -> None:
    op.execute("DELETE FROM alias_history WHERE version NOT IN (SELECT number FROM model_versions)")
    with op.batch_alter_table("alias_history", table_kwargs=KEPT) as table:
        table.create_foreign_key(NAME, "model_versions", ["version"], ["number"])
