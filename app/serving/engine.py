"""Answers predictions in small batches that never make anybody wait for company.

What arrives in the same tick of the event loop runs together; a request alone runs at once, and so do sixteen pictures
as soon as they are there: what is still in the processor's caches is quick. A batch is for one network only.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from app.errors import AppError
from app.metrics.metrics import Metrics
from app.serving.load_shedding import Refusals
from app.serving.model_cache import Classifiers, ServedModel
from app.serving.request_context import Turn

Floats = NDArray[np.float32]

LARGEST_BATCH = 16  # pictures; with 32, and all of a tick read before the first runs, an answer took a third longer
LARGE = 128  # pictures: requests of more are large ones
LARGE_AT_ONCE = 2  # of them; more would fill the queue for good
MOST_LARGE = 16  # of them, in work or waiting for that: each holds up to 3 MB
MOST_INSIDE = 128  # pictures; about 10 ms of the network, 30 ms with all that HTTP takes


class Answer(NamedTuple):
    """What the network of one version says of some pictures."""

    version: str
    probabilities: Floats  # (n, 10)
    least_certainty: float  # of that version: from there on its answers should be trusted


@dataclass(eq=False)
class _Waiting:
    """Some pictures of one request, in the queue."""

    served: ServedModel
    pixels: Floats  # (n, 1, 28, 28), n <= LARGEST_BATCH
    turn: Turn
    answer: "asyncio.Future[Floats]"
    since: float = field(default_factory=time.perf_counter)


class Engine:
    """The queue before the networks. It belongs to one event loop and is not to be touched from other threads."""

    def __init__(self, classifiers: Classifiers, refusals: Refusals, metrics: Metrics) -> None:
        self._classifiers, self._refusals, self._metrics = classifiers, refusals, metrics
        self._queue: deque[_Waiting] = deque()
        self._waiting = 0  # pictures in the queue
        self._inside = 0  # pictures whose answer is not on its way yet
        self._is_scheduled = False
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._large_inside = 0  # requests

    async def predict(
        self,
        name: str,
        pixels: Floats,
        *,
        deadline: float | None = None,
        is_gone: Callable[[], bool] | None = None,
    ) -> Answer:
        """Probabilities of pictures float32 (n, 1, 28, 28) in 0..1, bright ink on dark, by a version or an alias.

        `deadline` is a moment of time.monotonic() by which its turn must have come; `is_gone` says whether the client
        has hung up. Raises ModelNotFound, ModelNotLoaded, Overloaded, DeadlineExceeded, ClientGone.
        """
        await self.require_room()
        served = await self._choose(name)
        turn = Turn(deadline, is_gone)
        if len(pixels) <= LARGEST_BATCH:
            return _answer(served, await self._compute_in_turn(served, pixels, turn))
        if len(pixels) <= LARGE:
            return _answer(served, await self._compute_in_pieces(served, pixels, turn))
        if self._large_inside >= MOST_LARGE:
            await self._refusals.refuse(
                f"{MOST_LARGE} requests of more than {LARGE} pictures wait already; ask again in a second."
            )
        self._large_inside += 1
        try:
            async with self._large:
                return _answer(served, await self._compute_in_pieces(served, pixels, turn))
        finally:
            self._large_inside -= 1

    async def require_room(self) -> None:
        """Raise Overloaded where too many pictures wait already: to be asked before much is done for a request."""
        if self._inside >= MOST_INSIDE:
            await self._refusals.refuse(f"{self._inside} pictures are being read already; ask again in a second.")

    async def _choose(self, name: str) -> ServedModel:
        served = self._classifiers.at_hand(name)
        return served if served is not None else await to_thread.run_sync(self._classifiers.get, name)

    async def _compute_in_pieces(self, served: ServedModel, pixels: Floats, turn: Turn) -> Floats:
        """One after the other: small requests go in between."""
        starts = range(0, len(pixels), LARGEST_BATCH)
        pieces = [pixels[start : start + LARGEST_BATCH] for start in starts]
        return np.concatenate([await self._compute_in_turn(served, piece, turn) for piece in pieces])

    async def _compute_in_turn(self, served: ServedModel, pixels: Floats, turn: Turn) -> Floats:
        self._inside += len(pixels)
        try:
            return await self._enqueue(served, pixels, turn)
        finally:
            self._inside -= len(pixels)

    def _enqueue(self, served: ServedModel, pixels: Floats, turn: Turn) -> "asyncio.Future[Floats]":
        loop = asyncio.get_running_loop()
        waiting = _Waiting(served, pixels, turn, loop.create_future())
        self._queue.append(waiting)
        self._waiting += len(pixels)
        if not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._run_batch)  # after everything else that this tick brought
        if self._waiting >= LARGEST_BATCH and len(self._queue) > 1:  # a piece alone lets the tick's others go first
            self._run_first()
        return waiting.answer

    def _run_batch(self) -> None:
        try:
            self._run_first()
        finally:  # whatever went wrong with these, the others must not wait for ever
            self._is_scheduled = bool(self._queue)
            if self._queue:
                asyncio.get_running_loop().call_soon(self._run_batch)

    def _run_first(self) -> None:
        if batch := self._take_batch():
            self._compute(batch)

    def _take_batch(self) -> list[_Waiting]:
        """The first in the queue, and those after it that are for the same network, as far as they fit."""
        batch: list[_Waiting] = []
        room = LARGEST_BATCH
        while self._queue:
            first = self._queue[0]
            if len(first.pixels) > room or (batch and first.served is not batch[0].served):
                break
            self._queue.popleft()
            self._waiting -= len(first.pixels)
            if _is_wanted(first):
                batch.append(first)
                room -= len(first.pixels)
            else:
                self._count(self._metrics.triton.failed, first.served.version)
        return batch

    def _compute(self, batch: list[_Waiting]) -> None:
        start, served = time.perf_counter(), batch[0].served
        pixels = batch[0].pixels if len(batch) == 1 else np.concatenate([waiting.pixels for waiting in batch])
        try:
            probabilities = served.classifier.probabilities(pixels)
        except Exception as error:  # whatever ONNX Runtime says: those who wait must not wait for ever
            for waiting in batch:
                waiting.answer.set_exception(error)
                self._count(self._metrics.triton.failed, served.version)
            return
        seconds = time.perf_counter() - start
        end = 0
        for waiting in batch:
            begin, end = end, end + len(waiting.pixels)
            waiting.answer.set_result(probabilities[begin:end])
        waits = [start - waiting.since for waiting in batch]
        self._count(self._metrics.computed, served.version, pixels, probabilities, waits, seconds)

    def _count(self, count: Callable[..., None], *facts: object) -> None:
        """Afterwards, on its own: what goes wrong there is logged, and nobody's answer is lost with it."""
        asyncio.get_running_loop().call_soon(count, *facts)


def _answer(served: ServedModel, probabilities: Floats) -> Answer:
    return Answer(served.version, probabilities, served.classifier.least_certainty)


def _is_wanted(waiting: _Waiting) -> bool:
    """Whether somebody still waits for the answer; who waits is told otherwise."""
    if waiting.answer.cancelled():
        return False
    try:
        waiting.turn.check()
    except AppError as error:
        waiting.answer.set_exception(error.with_traceback(None))  # with it, the two would refer to each other
        return False
    return True
