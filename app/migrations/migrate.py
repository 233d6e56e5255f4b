"""Migrates a database to the newest schema. Not in app.db, so that the API need not load Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.db import create_database_engine, translated_errors
from app.errors import ConfigurationError


def upgrade(url: str) -> None:
    """Migrate the database at `url` to the newest schema. Raises DatabaseUnavailable, ConfigurationError."""
    engine = create_database_engine(url, may_create=True)
    try:
        with translated_errors(), engine.execution_options(writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET statement_timeout = 0")  # the migration of a large table takes long
            command.upgrade(alembic_config(connection), "head")
    except (CommandError, SQLAlchemyError) as error:
        raise ConfigurationError(
            f"The database's schema cannot be brought up to date: {getattr(error, 'orig', error)}. "
            "Nothing was changed. Was the database made by a newer version of this program, or by another one?"
        ) from error
    finally:
        engine.dispose()


def alembic_config(connection: Connection | None = None) -> Config:
    """Returns Alembic's settings, for its commands."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
