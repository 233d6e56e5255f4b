"""Jobs' events as Server-Sent Events, to any number of readers at the price of one look at the database.

Events are numbered without a gap, so a reader that comes back with the last number it saw, to this process or to
another one, misses nothing and sees nothing twice.
"""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from app.db import Sessions
from app.errors import AppError, JobNotFound
from app.jobs import service
from app.jobs.tables import JobEvent

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25  # between looks for new events
KEEPALIVE_SECONDS = 15.0


@dataclass(frozen=True, eq=False)
class Reader:
    """Somebody who has seen a job's events up to number `after` and waits for more."""

    after: int
    is_due: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Chunk:
    """Some events as they go over the wire, the number of the last, and whether there can be no more."""

    content: bytes
    newest: int
    is_last: bool


class EventFeed:
    """Streams events. Lives in one event loop."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._readers: defaultdict[str, set[Reader]] = defaultdict(set)  # by job
        self._reads: dict[tuple[str, int], asyncio.Task[Chunk]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._is_closing = False

    async def stream(self, job_id: str, *, after: int) -> AsyncIterator[bytes]:
        """The job's events past number `after` until its end, or until this process ends."""
        while not self._is_closing:
            try:
                chunk = await self._read(job_id, after)
            except JobNotFound:  # it was deleted
                return
            except AppError:  # the database is away; the next look may find it back
                chunk = Chunk(b"", after, is_last=False)
                await asyncio.sleep(POLL_SECONDS)
            if chunk.content:
                yield chunk.content
                after = chunk.newest
            if chunk.is_last or self._is_closing:  # a reader that came to wait after `close` would be told nothing
                return
            if not chunk.content and not await self._more(job_id, after):
                yield KEEPALIVE_COMMENT

    def close(self) -> None:
        """End all streams; their readers come back with the last number they saw."""
        self._is_closing = True
        for readers in self._readers.values():
            for reader in readers:
                reader.is_due.set()

    async def _read(self, job_id: str, after: int) -> Chunk:
        """What is new past `after`; all who ask while it is read are given the same."""
        key = job_id, after
        if key not in self._reads:
            reading = asyncio.ensure_future(run_in_threadpool(_chunk, self._sessions, job_id, after))
            reading.add_done_callback(lambda _: self._reads.pop(key))
            self._reads[key] = reading
        return await asyncio.shield(self._reads[key])

    async def _more(self, job_id: str, after: int) -> bool:
        """Wait until the job has more than `after` events, or has ended; False where it takes long."""
        reader = Reader(after)
        self._readers[job_id].add(reader)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look_for_news())
        try:
            async with asyncio.timeout(KEEPALIVE_SECONDS):
                await reader.is_due.wait()
            return True
        except TimeoutError:
            return False
        finally:
            self._readers[job_id].discard(reader)
            if not self._readers[job_id]:
                del self._readers[job_id]

    async def _look_for_news(self) -> None:
        while self._readers:
            await asyncio.sleep(POLL_SECONDS)
            try:
                newest = await run_in_threadpool(service.newest_events, self._sessions, list(self._readers))
            except AppError as error:
                logger.debug("no look at events: %s", error)
                continue
            for job_id, readers in self._readers.items():
                number, is_ended = newest.get(job_id, (0, True))
                for reader in readers:
                    if is_ended or number > reader.after:
                        reader.is_due.set()


def _chunk(sessions: Sessions, job_id: str, after: int) -> Chunk:
    page, is_last = service.events(sessions, job_id, after=after)
    return Chunk(b"".join(map(_render, page)), page[-1].number if page else after, is_last)


def _render(event: JobEvent) -> bytes:
    data = json.dumps(event.data | {"at": rfc3339(event)})
    return format_sse_event(data_str=data, event=event.event, id=str(event.number))


def rfc3339(event: JobEvent) -> str:
    return event.at.isoformat().replace("+00:00", "Z")
