"""A function that is called again and again in a thread of its own.

Such a thread must outlive whatever goes wrong in one call, so it catches everything: what is known is logged as a
sentence, once; what is not, with its traceback.
"""

import logging
import threading
from collections.abc import Callable

from app.errors import AppError

logger = logging.getLogger(__name__)


class Periodic:
    """Calls `work` every `seconds` until closed, whatever a call raises; `at_once` too, where that is wanted."""

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
