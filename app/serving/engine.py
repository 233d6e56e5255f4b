"""Answers predictions in small batches that never make anybody wait for company.

What arrives in the same tick of the event loop runs together; a request alone runs at once. A batch takes at most 32
pictures, so the loop gets its turn every few milliseconds, and holds pictures for one network only.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from app.errors import ClientGone, DeadlineExceeded, Overloaded
from app.serving.classifiers import CHAMPION, Classifiers, ServedModel

Floats = NDArray[np.float32]

LARGEST_BATCH = 32  # pictures; more in one call are not quicker (73 us each at 8, 74 at 32, 98 at 128)
REFUSALS_PER_SECOND = 500  # a refusal takes 0.1 ms; more than this would eat into the time of those that are served
LONGEST_HOLD_SECONDS = 1.0  # then even those are told


class Answer(NamedTuple):
    """What the network of one version says of some pictures."""

    version: str
    probabilities: Floats  # (n, 10)


@dataclass(eq=False)
class _Waiting:
    """Some pictures of one request, in the queue."""

    served: ServedModel
    pixels: Floats  # (n, 1, 28, 28), n <= LARGEST_BATCH
    deadline: float | None
    is_gone: Callable[[], bool] | None
    answer: "asyncio.Future[Floats]"


class Engine:
    """The queue before the networks. It belongs to one event loop and is not to be touched from other threads."""

    def __init__(self, classifiers: Classifiers, *, queue_limit: int = 256) -> None:
        self._classifiers, self._queue_limit = classifiers, queue_limit
        self._queue: deque[_Waiting] = deque()
        self._waiting_pictures = 0
        self._is_scheduled = False
        self._next_refusal = 0.0

    async def predict(
        self,
        name: str,
        pixels: Floats,
        *,
        deadline: float | None = None,
        is_gone: Callable[[], bool] | None = None,
    ) -> Answer:
        """Probabilities of pictures float32 (n, 1, 28, 28) in 0..1, bright ink on dark, by a version or an alias.

        `deadline` is a moment of time.monotonic() by which the turn must have come; `is_gone` says whether the client
        has hung up. Raises ModelNotFound, ModelNotLoaded, Overloaded, DeadlineExceeded, ClientGone.
        """
        await self.require_room()
        served = await self._choose(name)
        chunks = [
            await self._run(_Waiting(served, part, deadline, is_gone, asyncio.get_running_loop().create_future()))
            for part in (pixels[start : start + LARGEST_BATCH] for start in range(0, len(pixels), LARGEST_BATCH))
        ]
        if not chunks:
            return Answer(served.version, np.zeros((0, 10), np.float32))
        return Answer(served.version, chunks[0] if len(chunks) == 1 else np.concatenate(chunks))

    async def require_room(self) -> None:
        """Raise Overloaded where too many pictures wait already: to be asked before much is done for a request.

        Refusals are paced: to those who ask again at once, against all advice, they would cost more than answers.
        """
        if self._waiting_pictures < self._queue_limit:
            return
        now = time.monotonic()
        self._next_refusal = max(now, self._next_refusal) + 1 / REFUSALS_PER_SECOND
        await asyncio.sleep(min(self._next_refusal - now, LONGEST_HOLD_SECONDS))
        raise Overloaded(f"{self._queue_limit} pictures wait to be read already; ask again in a second.")

    async def _choose(self, name: str) -> ServedModel:
        if name == CHAMPION:
            return self._classifiers.champion
        return await to_thread.run_sync(self._classifiers.get, name)

    async def _run(self, waiting: _Waiting) -> Floats:
        self._queue.append(waiting)
        self._waiting_pictures += len(waiting.pixels)
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._run_batch)
        return await waiting.answer

    def _run_batch(self) -> None:
        """Compute the first in the queue and what else is there for the same network."""
        batch = self._take()
        if batch:
            self._compute(batch)
        self._is_scheduled = bool(self._queue)
        if self._queue:
            asyncio.get_running_loop().call_soon(self._run_batch)  # others of the loop have their turn in between

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._queue:
            first = self._queue[0]
            if batch and (first.served is not batch[0].served or size + len(first.pixels) > LARGEST_BATCH):
                break
            self._queue.popleft()
            self._waiting_pictures -= len(first.pixels)
            if _is_wanted(first):
                batch.append(first)
                size += len(first.pixels)
        return batch

    def _compute(self, batch: list[_Waiting]) -> None:
        pixels = batch[0].pixels if len(batch) == 1 else np.concatenate([waiting.pixels for waiting in batch])
        try:
            probabilities = batch[0].served.classifier.probabilities(pixels)
        except Exception as error:  # whatever ONNX Runtime says, those who wait must hear it
            for waiting in batch:
                waiting.answer.set_exception(error)
            return
        start = 0
        for waiting in batch:
            end = start + len(waiting.pixels)
            waiting.answer.set_result(probabilities[start:end])
            start = end


def _is_wanted(waiting: _Waiting) -> bool:
    """Whether somebody still waits for it; if not, that is its answer."""
    if waiting.answer.done():  # cancelled
        return False
    if waiting.is_gone is not None and waiting.is_gone():
        waiting.answer.set_exception(ClientGone("The client hung up before its turn came."))
        return False
    if waiting.deadline is not None and time.monotonic() > waiting.deadline:
        waiting.answer.set_exception(
            DeadlineExceeded("The time given for this request was up before its turn came; nothing was computed.")
        )
        return False
    return True
