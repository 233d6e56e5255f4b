"""A bounded thread pool for work that would block the event loop, such as decoding a large picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from app.serving.load_shedding import LoadShedder
from app.serving.request_context import RequestContext

Result = TypeVar("Result")

THREADS = 4  # the largest picture takes up to half a gigabyte to decode
MAX_WAITING_REQUESTS = 32  # a picture of 320x400 pixels takes 5 ms


class BoundedThreads:
    """One pool per event loop."""

    def __init__(self, load_shedder: LoadShedder) -> None:
        self._load_shedder = load_shedder
        self._limiter = CapacityLimiter(THREADS)
        self._requests = 0  # waiting or running

    async def run(self, work: Callable[[], Result], context: RequestContext) -> Result:
        """Run `work` in a thread and return its result; its errors are raised here.

        Raises Overloaded when too many requests wait; DeadlineExceeded or ClientGone before `work` is called.
        """
        if self._requests >= THREADS + MAX_WAITING_REQUESTS:
            await self._load_shedder.reject(
                f"{MAX_WAITING_REQUESTS} requests wait already for their pictures to be decoded; ask again in a second."
            )
        self._requests += 1
        try:
            outcome = await to_thread.run_sync(_attempt, work, context, limiter=self._limiter)
        finally:
            self._requests -= 1
        if not isinstance(outcome, _Failure):
            return outcome
        try:
            raise outcome.error
        finally:
            del outcome  # or the error would hold this frame, and this frame the error


@dataclass(frozen=True)
class _Failure:
    """An error on its way out of a thread.

    As the exception of a future it would be part of a reference cycle, which keeps the pictures of its frames in memory
    until the garbage collector runs: 0.3 MB for each rejected picture.
    """

    error: Exception


def _attempt(work: Callable[[], Result], context: RequestContext) -> Result | _Failure:
    try:
        context.check()
        return work()
    except Exception as error:
        return _Failure(error)
