"""What another client of the service sees while something is sent to it."""

import threading
import time
from types import TracebackType

from tests.raw import ApiProcess, read_answer

PAUSE_SECONDS = 0.01


class Meanwhile:
    """Asks GET /livez all the time while the block lasts; `longest` is in seconds."""

    def __init__(self, server: ApiProcess) -> None:
        self._server, self._is_over = server, threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.longest = 0.0

    def __enter__(self) -> "Meanwhile":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join()

    def _ask(self) -> None:
        with self._server.connect() as connection:
            while not self._is_over.wait(PAUSE_SECONDS):
                start = time.monotonic()
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert read_answer(connection)[0] == 200
                self.longest = max(self.longest, time.monotonic() - start)
