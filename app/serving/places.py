"""A bounded number of places for requests that take long, and the threads that work for those who hold one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from app.serving.load_shedding import LoadShedder

Result = TypeVar("Result")


class Places:
    """Belongs to one event loop. `refusal` is what those are told who find no place."""

    def __init__(self, load_shedder: LoadShedder, *, places: int, threads: int, refusal: str) -> None:
        self._load_shedder, self._places, self._refusal = load_shedder, places, refusal
        self._limiter = CapacityLimiter(threads)
        self._taken = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the places during the block. Raises Overloaded if all are taken."""
        if self._taken >= self._places:
            await self._load_shedder.reject(self._refusal)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def run(self, work: Callable[[], Result]) -> Result:
        """Returns what `work` returns in one of the threads."""
        return await to_thread.run_sync(work, limiter=self._limiter)
