"""Work that would hold up the event loop, on a few threads, with a bounded number of requests waiting for one."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from app.serving.refusals import Refusals
from app.serving.turns import Turn

Result = TypeVar("Result")

THREADS = 4  # the largest picture takes up to half a gigabyte to decode
MOST_WAITING = 32  # requests; a picture of 320x400 pixels takes 5 ms


class Decoders:
    """The threads of one event loop."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._limiter = CapacityLimiter(THREADS)
        self._inside = 0  # requests, waiting or at work

    async def run(self, work: Callable[[], Result], turn: Turn) -> Result:
        """What `work` returns. Raises Overloaded, DeadlineExceeded, ClientGone before it is called, and its errors."""

        def checked() -> Result:
            turn.check()
            return work()

        if self._inside >= THREADS + MOST_WAITING:
            await self._refusals.refuse(
                f"{MOST_WAITING} large pictures wait to be read already; ask again in a second."
            )
        self._inside += 1
        try:
            return await to_thread.run_sync(checked, limiter=self._limiter)
        finally:
            self._inside -= 1
