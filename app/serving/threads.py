"""Work that would hold up the event loop, on a few threads, with a bounded number of requests waiting for one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from app.serving.load_shedding import Refusals
from app.serving.request_context import Turn

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
        if self._inside >= THREADS + MOST_WAITING:
            await self._refusals.refuse(
                f"{MOST_WAITING} large pictures wait to be read already; ask again in a second."
            )
        self._inside += 1
        try:
            outcome = await to_thread.run_sync(_attempt, work, turn, limiter=self._limiter)
        finally:
            self._inside -= 1
        if not isinstance(outcome, _Failure):
            return outcome
        try:
            raise outcome.error
        finally:
            del outcome  # or the error would hold this frame, and this frame the error


@dataclass(frozen=True)
class _Failure:
    """An error on its way out of a thread.

    As the exception of a future it would be part of a circle, and keep its frames' pictures in memory until the
    garbage collector comes by: 0.3 MB for each picture that was refused.
    """

    error: Exception


def _attempt(work: Callable[[], Result], turn: Turn) -> Result | _Failure:
    try:
        turn.check()
        return work()
    except Exception as error:
        return _Failure(error)
