"""Predictions without a pause, by several clients that keep their connections, while something is done to the stack."""

import http.client
import json
import threading
import time
from types import TracebackType

from stack import PORT

BODY = json.dumps({"pixels": [[0] * 28] * 6 + [[0] * 8 + [255] * 12 + [0] * 8] * 16 + [[0] * 28] * 6})


class Load:
    """Clients that ask while the block runs, and until `at_least` requests are answered. What fails is not repeated."""

    def __init__(self, *, clients: int = 6, at_least: int = 0) -> None:
        self._at_least, self._is_over = at_least, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        self.seconds: list[float] = []  # of each answered request
        self.failures: list[str] = []

    def __enter__(self) -> "Load":
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while kind is None and len(self.seconds) < self._at_least:
            time.sleep(0.1)
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        self.duration = time.monotonic() - self._started

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        while not self._is_over.is_set():
            started = time.monotonic()
            try:
                connection.request("POST", "/v1/predict", BODY, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {content[:200]!r}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            self.seconds.append(time.monotonic() - started)
        connection.close()

    def __str__(self) -> str:
        ordered = sorted(self.seconds)
        median, slow = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
        return (
            f"{len(ordered):,} predictions in {self.duration:.0f} s, {len(self.failures)} failed; "
            f"p50 {median:.0f} ms, p99 {slow:.0f} ms, longest {ordered[-1] * 1000:.0f} ms"
        )
