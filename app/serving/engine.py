"""Answers predictions in small batches, without ever making a request wait for others to join it.

What arrives in the same iteration of the event loop runs together. A request alone runs at once, and so do sixteen
pictures as soon as they are there: their data is still in the CPU caches. A batch is for one network only.
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
from app.metrics.recorder import Recorder
from app.serving.load_shedding import LoadShedder
from app.serving.model_cache import ModelCache, ServedModel
from app.serving.request_context import RequestContext

Floats = NDArray[np.float32]

MAX_BATCH_PICTURES = 16  # with 32, and all of an iteration read before the first runs, an answer took a third longer
LARGE_REQUEST_PICTURES = 128  # requests of more pictures are large ones
MAX_RUNNING_LARGE_REQUESTS = 2  # more would fill the queue for good
MAX_LARGE_REQUESTS = 16  # running or waiting: each holds up to 3 MB
MAX_PICTURES = 128  # in all requests but the large ones that wait; 10 ms of the network, 30 ms with HTTP


ANY_CONTEXT = RequestContext()


class Answer(NamedTuple):
    """What the network of one version says of some pictures."""

    version: str
    probabilities: Floats  # (n, 10)
    min_margin: float  # of that version: predictions from this margin on are accepted


@dataclass(eq=False)
class _QueueItem:
    """Some pictures of one request, in the queue."""

    served: ServedModel
    pixels: Floats  # (n, 1, 28, 28), n <= MAX_BATCH_PICTURES
    context: RequestContext
    answer: "asyncio.Future[Floats]"
    since: float = field(default_factory=time.perf_counter)


class Engine:
    """The queue before the networks. It belongs to one event loop; other threads must not touch it."""

    def __init__(self, model_cache: ModelCache, load_shedder: LoadShedder, recorder: Recorder) -> None:
        self._model_cache, self._load_shedder, self._recorder = model_cache, load_shedder, recorder
        self._queue: deque[_QueueItem] = deque()
        self._queued_pictures = 0
        self._pictures = 0  # queued or running, or computed in this iteration
        self._is_scheduled = False
        self._large = asyncio.Semaphore(MAX_RUNNING_LARGE_REQUESTS)
        self._large_requests = 0  # running or waiting

    async def require_room(self) -> None:
        """Raise Overloaded when too many pictures wait already. Call it before anything is done for a request."""
        if self._pictures >= MAX_PICTURES:
            await self._load_shedder.reject(f"{self._pictures} pictures wait already; ask again in a second.")

    async def predict(self, model: str, pixels: Floats, context: RequestContext = ANY_CONTEXT) -> Answer:
        """Probabilities of pictures float32 (n, 1, 28, 28) in 0..1, bright ink on dark, by a version or an alias.

        Raises ModelNotFound, ModelNotLoaded, DeadlineExceeded, ClientGone; Overloaded for too many large requests.
        """
        served = await self.choose(model)
        if len(pixels) <= MAX_BATCH_PICTURES:
            return _answer(served, await self._compute_batch(served, pixels, context))
        if len(pixels) <= LARGE_REQUEST_PICTURES:
            return _answer(served, await self._compute_batches(served, pixels, context))
        if self._large_requests >= MAX_LARGE_REQUESTS:
            await self._load_shedder.reject(
                f"{MAX_LARGE_REQUESTS} requests of more than {LARGE_REQUEST_PICTURES} pictures wait already; "
                "ask again in a second."
            )
        self._large_requests += 1
        try:
            async with self._large:
                return _answer(served, await self._compute_batches(served, pixels, context))
        finally:
            self._large_requests -= 1

    async def choose(self, model: str) -> ServedModel:
        """The network of a version or an alias. Raises ModelNotFound, ModelNotLoaded."""
        served = self._model_cache.get_cached(model)
        return served if served is not None else await to_thread.run_sync(self._model_cache.get, model)

    async def _compute_batches(self, served: ServedModel, pixels: Floats, context: RequestContext) -> Floats:
        """One batch after the other: small requests go in between."""
        starts = range(0, len(pixels), MAX_BATCH_PICTURES)
        batches = [pixels[start : start + MAX_BATCH_PICTURES] for start in starts]
        return np.concatenate([await self._compute_batch(served, batch, context) for batch in batches])

    async def _compute_batch(self, served: ServedModel, pixels: Floats, context: RequestContext) -> Floats:
        self._pictures += len(pixels)
        try:
            return await self._enqueue(served, pixels, context)
        finally:
            self._pictures -= len(pixels)

    def _enqueue(self, served: ServedModel, pixels: Floats, context: RequestContext) -> "asyncio.Future[Floats]":
        loop = asyncio.get_running_loop()
        item = _QueueItem(served, pixels, context, loop.create_future())
        self._queue.append(item)
        self._queued_pictures += len(pixels)
        if not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._run_batch)  # after everything else that this iteration brought
        is_full = self._queued_pictures >= MAX_BATCH_PICTURES
        if is_full and len(self._queue) > 1:  # a full item alone lets the others of this iteration join the queue first
            self._run_first()
        return item.answer

    def _run_batch(self) -> None:
        try:
            self._run_first()
        finally:  # whatever went wrong with this batch, the others must not wait for ever
            self._is_scheduled = bool(self._queue)
            if self._queue:
                asyncio.get_running_loop().call_soon(self._run_batch)

    def _run_first(self) -> None:
        if batch := self._take_batch():
            self._compute(batch)

    def _take_batch(self) -> list[_QueueItem]:
        """The first in the queue, and those after it that are for the same network, as far as they fit."""
        batch: list[_QueueItem] = []
        room = MAX_BATCH_PICTURES
        while self._queue:
            first = self._queue[0]
            if len(first.pixels) > room or (batch and first.served is not batch[0].served):
                break
            self._queue.popleft()
            self._queued_pictures -= len(first.pixels)
            if _is_wanted(first):
                batch.append(first)
                room -= len(first.pixels)
        return batch

    def _compute(self, batch: list[_QueueItem]) -> None:
        start, served = time.perf_counter(), batch[0].served
        pixels = batch[0].pixels if len(batch) == 1 else np.concatenate([item.pixels for item in batch])
        try:
            probabilities = served.classifier.probabilities(pixels)
        except Exception as error:  # whatever ONNX Runtime raises: no request may wait for ever
            for item in batch:
                item.answer.set_exception(error)
            return
        end = 0
        for item in batch:
            begin, end = end, end + len(item.pixels)
            item.answer.set_result(probabilities[begin:end])
        waits = [start - item.since for item in batch]
        self._count(self._recorder.record_batch, served.version, pixels, probabilities, waits)

    def _count(self, count: Callable[..., None], *facts: object) -> None:
        """Count in a callback of its own: an error in it is logged, and no answer is lost."""
        asyncio.get_running_loop().call_soon(count, *facts)


def _answer(served: ServedModel, probabilities: Floats) -> Answer:
    return Answer(served.version, probabilities, served.classifier.min_margin)


def _is_wanted(item: _QueueItem) -> bool:
    """Returns False if the client disconnected or its deadline passed; the request then fails with that error."""
    if item.answer.cancelled():
        return False
    try:
        item.context.check()
    except AppError as error:
        item.answer.set_exception(error.with_traceback(None))  # with it, the two would refer to each other
        return False
    return True
