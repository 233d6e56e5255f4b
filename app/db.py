"""The database: SQLite by default, PostgreSQL by URL, through SQLAlchemy."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Engine,
    create_engine,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from app.errors import ConfigurationError, DatabaseUnavailable, SchemaOutdated, StorageFull, install_hint, why
from app.sqlite import create_file_engine, without_pool

SCHEMA = "0013"  # the newest revision in app/migrations; a constant, so that the API need not load Alembic
UNDEFINED_TABLE, UNDEFINED_COLUMN = "42P01", "42703"  # PostgreSQL's codes; on SQLite both are OperationalErrors
POSTGRES_OPTIONS: dict[str, Any] = {  # of libpq: an unreachable server is an error after about 10 s, not after hours
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "options": "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
}


def _encode_json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY).decode()


# Other threads wait while a document is encoded or decoded: of 4 MB the standard library takes ten times as long.
JSON_CODEC: dict[str, Any] = {"json_serializer": _encode_json, "json_deserializer": orjson.loads}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, also on SQLite, which stores no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)) if value else None


class Base(DeclarativeBase):
    """The base class of all tables."""

    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON(none_as_null=True)}


class Sessions:
    """Database sessions: one `with` is one transaction."""

    def __init__(self, url: str) -> None:
        self.engine = create_database_engine(url)
        self._unpooled = without_pool(self.engine)
        self._read = sessionmaker(self.engine, expire_on_commit=False)
        self._read_anew = sessionmaker(self._unpooled, expire_on_commit=False)
        self._write = sessionmaker(self.engine.execution_options(writes=True), expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yields a session that only reads. Raises DatabaseUnavailable."""
        with translated_errors(), self._read() as session:
            yield session

    @contextmanager
    def reading_anew(self) -> Iterator[Session]:
        """Like `reading`, but nothing of a SQLite file is known from before: damage to the file shows."""
        with translated_errors(), self._read_anew() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yields a session that commits at the end, or rolls back if an error leaves the block.

        On SQLite it is the only writer from its first statement on. Raises DatabaseUnavailable, StorageFull.
        """
        with translated_errors(), self._write.begin() as session:
            yield session

    def describe(self) -> str:
        """Returns the database's name and version, such as `postgresql 18.1`. Raises DatabaseUnavailable."""
        with translated_errors(), self.engine.connect() as connection:
            numbers = connection.dialect.server_version_info or ()
            return f"{connection.dialect.name} {'.'.join(map(str, numbers))}"

    def check_pages(self) -> None:
        """Raise DatabaseUnavailable if a page of a SQLite file is damaged. Reads the whole file."""
        if self.engine.dialect.name != "sqlite":
            return
        with self.reading_anew() as session:
            found = session.execute(text("PRAGMA quick_check(1)")).scalar_one()
        if found != "ok":
            raise DatabaseUnavailable("The database's file is damaged. Restore it from a backup.")

    def close(self) -> None:
        """Close all connections that are not in use. The next use opens others."""
        self.engine.dispose()


def database_now(session: Session) -> datetime:
    """Returns the time by the database's clock, the only one that all workers share."""
    if session.get_bind().dialect.name == "sqlite":
        written = session.execute(text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(written).replace(tzinfo=UTC)
    now: datetime = session.execute(select(text("clock_timestamp()"))).scalar_one()
    return now.astimezone(UTC)


def check_schema(sessions: Sessions) -> None:
    """Raise DatabaseUnavailable if the database does not answer or cannot be read, SchemaOutdated if it has another
    schema."""
    with sessions.reading_anew() as session:
        is_there = inspect(session.connection()).has_table("alembic_version")
        found = session.scalar(text("SELECT version_num FROM alembic_version")) if is_there else None
        if found == SCHEMA:
            session.execute(text("SELECT id FROM jobs ORDER BY id LIMIT 1"))
    if found != SCHEMA:
        raise SchemaOutdated(
            f"The database has schema {found or 'none'}, this program needs {SCHEMA}. Run `numeral migrate`."
        )


def require_schema(url: str) -> None:
    """Raise SchemaOutdated if the database has another schema. Accepts one that does not answer: it may recover."""
    sessions = Sessions(url)
    try:
        check_schema(sessions)
    except SchemaOutdated:
        raise
    except DatabaseUnavailable:
        pass
    finally:
        sessions.close()


def create_database_engine(url: str, *, may_create: bool = False) -> Engine:
    """Returns an engine, not yet connected, for a PostgreSQL or SQLite URL. Raises ConfigurationError for any other.

    With `may_create`, connecting creates a missing SQLite file.
    """
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    try:
        parsed = make_url(url)
        if parsed.drivername == "postgresql+psycopg":
            return create_engine(
                parsed, pool_pre_ping=True, pool_size=10, max_overflow=30, connect_args=POSTGRES_OPTIONS, **JSON_CODEC
            )
        if parsed.drivername != "sqlite" or parsed.database in (None, "", ":memory:"):
            raise ArgumentError(f"it begins with {parsed.drivername}://")  # not the whole URL: it may hold a password
        return create_file_engine(parsed, may_create=may_create, **JSON_CODEC)
    except ImportError as error:
        raise ConfigurationError(
            f"NUMERAL_DATABASE_URL names PostgreSQL, whose driver is not installed. {install_hint('postgres')}"
        ) from error
    except OSError as error:  # SQLite's file, which lies in the data folder unless a URL names another place
        right = "Give this user the right to write it, or give" if isinstance(error, PermissionError) else "Give"
        raise ConfigurationError(
            f"The database's file {parsed.database} cannot be used: {why(error, 'written')}. {right} another "
            "--data-dir (NUMERAL_DATA_DIR) or NUMERAL_DATABASE_URL."
        ) from error
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            f"NUMERAL_DATABASE_URL cannot be used: {error}. "
            "It can be postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:////FOLDER/FILE."
        ) from error


@contextmanager
def translated_errors() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:  # the fault of the database, not of the statement
        reason = str(getattr(error, "orig", error))
        if "is full" in reason or "No space left" in reason:
            raise StorageFull("The database's disk is full. Nothing was changed; free some space there.") from error
        raise DatabaseUnavailable(f"The database cannot be used: {reason}. Nothing was changed; try again.") from error
    except (IntegrityError, DataError) as error:
        raise error
    except ProgrammingError as error:
        code = getattr(error.orig, "sqlstate", None)
        if code == UNDEFINED_TABLE:
            detail = "The database has no tables yet. Run `numeral migrate`."
            raise DatabaseUnavailable(detail, public_detail=detail) from error
        if code == UNDEFINED_COLUMN:  # it was migrated, and this process is to be replaced
            raise DatabaseUnavailable(f"The database no longer has schema {SCHEMA}. Nothing was changed.") from error
        raise
    except DatabaseError as error:  # by SQLite, of a file that is damaged or not a database
        raise DatabaseUnavailable(
            f"The database cannot be used: {error.orig}. Restore it from a backup.",
            public_detail="The database's file is damaged or not a database. Restore it from a backup.",
        ) from error
