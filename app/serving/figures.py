"""Figures, and derivations: made in a thread of their own, once each, and only while somebody waits for them.

The figure of a large sweep takes a second of CPU time, and so does the derivation of one of its late steps. In the
threads that all endpoints share, sixty requests for one kept every other job request and /readyz waiting for half a
minute.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from anyio import CapacityLimiter, to_thread

from app.errors import ClientGone
from app.serving.load_shedding import LoadShedder

FIGURE_THREADS = 1  # matplotlib draws one figure at a time: its settings belong to the process
MAX_WAITING_FIGURES = 32  # different ones, the one that is drawn included; 429 past it
MAX_FIGURE_REQUESTS = 256  # for those; 429 past it
MAX_KEPT_BYTES = 32 * 2**20  # of figures that are kept

IsDisconnected = Callable[[], bool]


@dataclass
class _Drawing:
    """A figure that somebody waits for."""

    task: "asyncio.Task[bytes]"
    waiting: list[IsDisconnected] = field(default_factory=list)


class Figures:
    """Draws and keeps figures. One per event loop."""

    def __init__(self, load_shedder: LoadShedder) -> None:
        self._load_shedder = load_shedder
        self._limiter = CapacityLimiter(FIGURE_THREADS)
        self._drawings: dict[Hashable, _Drawing] = {}
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()  # the least recently used first
        self._requests = self._kept_bytes = 0

    async def get(self, key: Hashable, draw: Callable[[], bytes], is_disconnected: IsDisconnected) -> bytes:
        """Returns the figure of `key`, which `draw` draws unless it is kept or being drawn; its errors are raised here.

        Equal keys must mean equal figures. Raises Overloaded when too many wait, ClientGone if every client that
        waited for the figure had disconnected before its turn.
        """
        while True:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            try:
                return await self._join(key, draw, is_disconnected)
            except ClientGone:
                if is_disconnected():
                    raise  # otherwise it came when the figure had just been dropped for want of clients

    async def _join(self, key: Hashable, draw: Callable[[], bytes], is_disconnected: IsDisconnected) -> bytes:
        is_full = key not in self._drawings and len(self._drawings) >= MAX_WAITING_FIGURES
        if is_full or self._requests >= MAX_FIGURE_REQUESTS:
            await self._load_shedder.reject(
                "Too many figures and derivations wait to be made already; ask again in a second."
            )
        if key not in self._drawings:
            self._drawings[key] = self._start(key, draw)
        drawing = self._drawings[key]
        drawing.waiting.append(is_disconnected)
        self._requests += 1
        try:
            return await asyncio.shield(drawing.task)
        finally:
            self._requests -= 1

    def _start(self, key: Hashable, draw: Callable[[], bytes]) -> _Drawing:
        waiting: list[IsDisconnected] = []

        def draw_if_awaited() -> bytes:
            if all(is_disconnected() for is_disconnected in waiting):
                raise ClientGone("Every client that waited for this figure has disconnected.")
            return draw()

        async def run() -> bytes:
            try:
                figure = await to_thread.run_sync(draw_if_awaited, limiter=self._limiter)
            finally:
                del self._drawings[key]
            self._keep(key, figure)
            return figure

        task = asyncio.ensure_future(run())
        task.add_done_callback(lambda _: task.cancelled() or task.exception())  # nobody may be left to be told of it
        return _Drawing(task, waiting)

    def _keep(self, key: Hashable, figure: bytes) -> None:
        self._kept[key] = figure
        self._kept_bytes += len(figure)
        while self._kept_bytes > MAX_KEPT_BYTES:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)
