"""Whether the database's file was whole when it was last read: that takes too long for each request to /readyz."""

import time
from collections.abc import Callable

from app.db import Sessions
from app.errors import DatabaseUnavailable

MIN_SECONDS = 1.0  # between two checks
MAX_SHARE = 0.02  # of the time that the checks may take: a file that is read in 2 s is read every 100 s


class DatabaseWatch:
    """A background task calls `check` every second; `require_whole` answers from memory."""

    def __init__(self, sessions: Sessions, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._sessions, self._clock = sessions, clock
        self._next_at = 0.0
        self._error: DatabaseUnavailable | None = None

    def check(self) -> None:
        """Read the whole file if it is time to, and remember the outcome. Raises DatabaseUnavailable, for the log."""
        started = self._clock()
        if started < self._next_at:
            return
        try:
            self._sessions.check_pages()
        except DatabaseUnavailable as error:
            self._error = error
            raise
        finally:
            ended = self._clock()
            self._next_at = ended + max(MIN_SECONDS, (ended - started) / MAX_SHARE)
        if self._error is not None:
            self._sessions.close()  # its connections may still have pages of the damaged file in memory
            self._error = None

    def require_whole(self) -> None:
        """Raise DatabaseUnavailable if the last check failed."""
        if self._error is not None:
            raise DatabaseUnavailable(str(self._error))
