"""Brings a database to a revision of the schema. Apart from app.db, so that the API need not load Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.db import create_database_engine, translated_errors


def upgrade(url: str) -> None:
    """Bring the schema of the database at `url` up to date. Raises DatabaseUnavailable, ConfigurationError."""
    with translated_errors():
        engine = create_database_engine(url)
        with engine.execution_options(writes=True).begin() as connection:
            command.upgrade(alembic_config(connection), "head")
        engine.dispose()


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's own settings, for its other commands."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
