"""A function that is called again and again in a thread of its own."""

import logging
import threading
from collections.abc import Callable

from app.errors import AppError

logger = logging.getLogger(__name__)


class Periodic:
    """Calls `work` every `seconds` until closed. An AppError is logged once per kind in a row, and tried again."""

    def __init__(self, name: str, work: Callable[[], None], *, seconds: float) -> None:
        self._work, self._seconds = work, seconds
        self._closing = threading.Event()
        self._last_error = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> "Periodic":
        self._thread.start()
        return self

    def close(self) -> None:
        self._closing.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closing.wait(self._seconds):
            try:
                self._work()
                self._last_error = ""
            except AppError as error:
                if str(error) != self._last_error:
                    logger.warning("%s: %s", self._thread.name, error)
                self._last_error = str(error)
