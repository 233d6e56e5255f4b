"""Bounded thread pools for work that would block the event loop, such as decoding a picture."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from app.serving.load_shedding import LoadShedder
from app.serving.request_context import RequestContext

Item = TypeVar("Item")
Result = TypeVar("Result")

SLICE_SECONDS = 0.05  # of a thread, for a request of many pictures: then others come first


class BoundedThreads:
    """One pool. It belongs to one event loop."""

    def __init__(self, load_shedder: LoadShedder, *, threads: int, max_waiting: int) -> None:
        self._load_shedder = load_shedder
        self._limiter = CapacityLimiter(threads)
        self._max_requests, self._max_waiting = threads + max_waiting, max_waiting
        self._requests = 0  # waiting or running

    async def run(self, work: Callable[[], Result], context: RequestContext) -> Result:
        """Run `work` in a thread and return its result; its errors are raised here.

        Raises Overloaded when too many requests wait; DeadlineExceeded or ClientGone before `work` is called.
        """
        await self._take_place()
        try:
            return await self._run(work, context)
        finally:
            self._requests -= 1

    async def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], context: RequestContext
    ) -> list[Result]:
        """The results of `function` for all items, in order, as of `run`; other requests come in between."""
        rest, results = iter(items), list[Result]()
        await self._take_place()
        try:
            while await self._run(partial(_work_a_slice, function, rest, results), context):
                pass
        finally:
            self._requests -= 1
        return results

    async def _take_place(self) -> None:
        if self._requests >= self._max_requests:
            await self._load_shedder.reject(
                f"{self._max_waiting} requests wait already for their pictures to be decoded; ask again in a second."
            )
        self._requests += 1

    async def _run(self, work: Callable[[], Result], context: RequestContext) -> Result:
        outcome = await to_thread.run_sync(_attempt, work, context, limiter=self._limiter)
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


def _work_a_slice(function: Callable[[Item], Result], rest: Iterator[Item], results: list[Result]) -> bool:
    """Apply the function to the next items. Returns whether some may be left."""
    end = time.monotonic() + SLICE_SECONDS
    for item in rest:
        results.append(function(item))
        if time.monotonic() > end:
            return True
    return False
