"""Alembic's entry point: runs the migrations on the connection that `migrate.upgrade` passes."""

from alembic import context

from app.access import tables as _keys
from app.datasets import tables as _datasets
from app.db import Base
from app.jobs import tables as _jobs
from app.registry import tables as _registry

__all__ = ["_datasets", "_jobs", "_keys", "_registry"]  # the imports register the tables with Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
