"""SQLite's part of app.db: engines that notice when their file is moved, deleted or replaced.

An open connection goes on with the file that it has opened, wherever that lies by then. So each connection remembers
device and inode of its file, and is used only while the path leads to the same one. The file is never opened by Python
itself: closing it again would drop SQLite's locks (https://www.sqlite.org/howtocorrupt.html, section 2.2).
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

from app.errors import DatabaseUnavailable, SchemaOutdated

BUSY_SECONDS = 10.0  # that a writer waits for another one
PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")

FileId = tuple[int, int]  # device and inode


class DatabaseFile:
    """The file at one path. With `may_create`, the first connection creates a missing one."""

    def __init__(self, path: str, *, may_create: bool = False) -> None:
        self._path, self._may_create = os.path.abspath(path), may_create
        self._last_opened: FileId | None = None

    @property
    def uri(self) -> str:
        """The path as SQLite's URI, whatever characters it has. A connection must not create a file in place of one
        that was moved away."""
        return f"file:{quote(os.fsencode(self._path))}?mode={'rwc' if self._may_create else 'rw'}"

    def read_id(self) -> FileId | None:
        """Returns device and inode of the file that is there now, or None."""
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def require_openable(self) -> None:
        """Raise DatabaseUnavailable if there is no file, if it cannot be written, or if opening it could damage it;
        SchemaOutdated if none has been there in the life of this process."""
        if self._may_create:
            return
        found = self.read_id()
        if found is None and self._last_opened is None:
            raise SchemaOutdated(
                "The database's file is not there. Nothing was changed. Run `numeral migrate`, or put it back."
            )
        if found is None:
            raise DatabaseUnavailable("The database's file is gone. Nothing was changed. Put it back.")
        if not os.access(self._path, os.W_OK):
            raise DatabaseUnavailable(
                "The database's file cannot be written. Nothing was changed. Give this user the right to write it."
            )
        # SQLite would apply the log of the former file to this one.
        if self._last_opened not in (None, found) and _size(f"{self._path}-wal") > 0:
            raise DatabaseUnavailable(
                "The database's file was replaced by another one while the write-ahead log of the former one lies "
                "beside it. Nothing was changed. Put the former file back, or stop the service and remove the files "
                "-wal and -shm."
            )
        self._last_opened = found


def create_file_engine(url: URL, *, may_create: bool = False, **options: Any) -> Engine:
    """Returns an engine for the file that the URL names, with these options of SQLAlchemy's `create_engine`."""
    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    return _engine(url, DatabaseFile(url.database or "", may_create=may_create), **options)


def without_pool(engine: Engine) -> Engine:
    """Returns an engine for the same database; on SQLite, each of its connections reads the file anew, and writes
    nothing by itself."""
    file: DatabaseFile | None = engine.get_execution_options().get("file")
    return engine if file is None else _engine(engine.url, file, has_pool=False)


def _engine(url: URL, file: DatabaseFile, *, has_pool: bool = True, **options: Any) -> Engine:
    pool: dict[str, Any] = {"pool_size": 10, "max_overflow": 30} if has_pool else {"poolclass": NullPool}
    settings = {"connect_args": {"timeout": BUSY_SECONDS}, "execution_options": {"file": file}}
    engine = create_engine(url, **settings, **pool, **options)

    def connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> None:
        file.require_openable()
        arguments[0], options["uri"] = file.uri, True

    def prepare(connection: Any, record: Any) -> None:
        record.info["file"] = file.read_id()
        # The driver's own BEGIN is deferred: a reader that begins to write could then fail.
        connection.isolation_level = None
        for pragma in PRAGMAS if has_pool else ():
            connection.execute(f"PRAGMA {pragma}")

    def check_out(_connection: object, record: Any, _proxy: object) -> None:
        if record.info.get("file") != file.read_id():
            raise InvalidatePoolError("the file was moved, deleted or replaced")

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "checkout", check_out)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
