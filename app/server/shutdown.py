"""How a process that serves HTTP ends without losing a request.

SIGTERM: first it says that it is not ready (GET /readyz) and closes each connection with its next answer, so that
clients and load balancers go elsewhere; after the drain it listens no more, answers what it has taken in, and exits.
"""

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LINGER_SECONDS = 0.2  # that an idle connection is still read after the service has stopped listening


class ShutdownState:
    """Whether the shutdown of this process has begun."""

    def __init__(self, *, drain_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self.has_begun = False

    def watch_signals(self, *, at_end: Callable[[], None]) -> None:
        """Put the drain before what the server does at SIGTERM and SIGINT; a second signal cuts it short.

        `at_end` is called in the event loop as the drain begins.
        """
        if threading.current_thread() is threading.main_thread():  # only there are signals handled
            for number in (signal.SIGTERM, signal.SIGINT):
                self._drain_before(number, signal.getsignal(number), asyncio.get_running_loop(), at_end)

    def _drain_before(self, number: int, end: Any, loop: asyncio.AbstractEventLoop, at_end: Callable[[], None]) -> None:
        def handle(number: int, frame: FrameType | None) -> None:
            if self.has_begun:
                end(number, frame)
            else:
                self.has_begun = True
                loop.call_soon_threadsafe(at_end)
                loop.call_soon_threadsafe(loop.call_later, self._drain_seconds, end, number, frame)

        if callable(end):
            signal.signal(number, handle)


class LingeringProtocol(HttpToolsProtocol):
    """uvicorn's connection, but at the end an idle one is not closed upon a request that is on its way."""

    def shutdown(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(LINGER_SECONDS, super().shutdown)
        else:
            super().shutdown()
