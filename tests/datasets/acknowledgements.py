"""A database that commits, and whose answer is lost."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from app.db import Sessions


@contextmanager
def lost_acknowledgement(sessions: Sessions) -> Iterator[None]:
    """Each commit during the block takes place, and raises as if the connection had been lost before its answer."""
    do_commit = sessions.engine.dialect.do_commit

    def commit_and_fail(connection: object) -> None:
        do_commit(connection)
        raise OperationalError("COMMIT", None, ConnectionError("server closed the connection unexpectedly"))

    sessions.engine.dialect.do_commit = commit_and_fail
    try:
        yield
    finally:
        sessions.engine.dialect.do_commit = do_commit
