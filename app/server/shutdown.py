"""Shut a server process down without losing a request.

At SIGTERM the process first reports that it is not ready (GET /readyz) and closes each connection with its next
response, so that clients and load balancers use another process. After this drain it stops listening, answers the
requests that it has received, and exits.
"""

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class ShutdownState:
    """Whether the shutdown of this process has begun."""

    def __init__(self, *, drain_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self.has_begun = False

    def watch_signals(self, *, on_drain: Callable[[], None]) -> None:
        """Delay the server's own handlers of SIGTERM and SIGINT by the drain. A second signal ends the drain.

        Calls `on_drain` in the event loop when the drain begins.
        """
        if threading.current_thread() is threading.main_thread():  # Python handles signals only there
            for number in (signal.SIGTERM, signal.SIGINT):
                self._drain_before(signal.getsignal(number), number, asyncio.get_running_loop(), on_drain)

    def _drain_before(
        self, shut_down: Any, number: int, loop: asyncio.AbstractEventLoop, on_drain: Callable[[], None]
    ) -> None:
        def handle(number: int, frame: FrameType | None) -> None:
            if self.has_begun:
                shut_down(number, frame)
            else:
                self.has_begun = True
                loop.call_soon_threadsafe(on_drain)
                loop.call_soon_threadsafe(loop.call_later, self._drain_seconds, shut_down, number, frame)

        if callable(shut_down):
            signal.signal(number, handle)
