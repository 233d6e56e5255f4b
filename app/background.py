"""A function that a thread of its own calls periodically.

The thread must survive any error of a call, so it catches everything: it logs a repeated AppError once, as a sentence,
and any other error with its traceback.
"""

import logging
import threading
from collections.abc import Callable

from app.errors import AppError

logger = logging.getLogger(__name__)


class Periodic:
    """Calls `work` every `seconds` until closed, whatever it raises; with `at_once`, the first time at the start."""

    def __init__(self, name: str, work: Callable[[], None], *, seconds: float, at_once: bool = False) -> None:
        self._work, self._seconds, self._at_once = work, seconds, at_once
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
        if self._at_once:
            self._call()
        while not self._closing.wait(self._seconds):
            self._call()

    def _call(self) -> None:
        try:
            self._work()
            self._last_error = ""
        except AppError as error:
            if str(error) != self._last_error:
                logger.warning("%s: %s", self._thread.name, error)
            self._last_error = str(error)
        except Exception:
            logger.exception("%s: unexpected error; it goes on", self._thread.name)
