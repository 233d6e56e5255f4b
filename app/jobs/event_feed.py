"""Live events of jobs for any number of readers, at the cost of one query for all of them.

Events are numbered without a gap, so a reader that reconnects with the last number it saw, to this process or to
another one, misses none and gets none twice.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from anyio import to_thread

from app.db import Sessions
from app.errors import AppError, JobNotFound
from app.jobs.events import EventPage, newest_events, read_events
from app.jobs.tables import JobEvent

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25  # between two queries for new events
KEEPALIVE_SECONDS = 15.0


@dataclass(frozen=True, eq=False)
class Reader:
    """A client that has a job's events up to number `after` and waits for more."""

    after: int
    has_news: asyncio.Event = field(default_factory=asyncio.Event)


class EventFeed:
    """Feeds the readers of one event loop."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._readers: defaultdict[str, set[Reader]] = defaultdict(set)  # by job
        self._queries: dict[tuple[str, int], asyncio.Task[EventPage]] = {}
        self._polling: asyncio.Task[None] | None = None
        self._is_closing = False

    async def follow(self, job_id: str, *, after: int) -> AsyncIterator[Sequence[JobEvent]]:
        """Yields the job's events past number `after` until the job ends or this process does.

        Yields an empty sequence after every 15 seconds without an event, as a sign to keep the connection alive.
        """
        while not self._is_closing:
            try:
                page = await self._query(job_id, after)
            except JobNotFound:  # it was deleted
                return
            except AppError:  # the database is unavailable; the next query may succeed
                page = EventPage((), is_last=False)
                await asyncio.sleep(POLL_SECONDS)
            if page.events:
                yield page.events
                after = page.events[-1].number
            if page.is_last or self._is_closing:  # after `close` nothing would wake a reader that waits
                return
            if not page.events and not await self._wait_for_more(job_id, after):
                yield ()

    def close(self) -> None:
        """End all feeds; their readers reconnect with the last number they saw."""
        self._is_closing = True
        for readers in self._readers.values():
            for reader in readers:
                reader.has_news.set()

    async def _query(self, job_id: str, after: int) -> EventPage:
        """Returns the page past `after`. Concurrent calls with the same arguments share one query."""
        key = job_id, after
        if key not in self._queries:
            read = partial(read_events, self._sessions, job_id, after=after)
            query = asyncio.ensure_future(to_thread.run_sync(read))
            query.add_done_callback(lambda _: self._queries.pop(key))
            self._queries[key] = query
        return await asyncio.shield(self._queries[key])

    async def _wait_for_more(self, job_id: str, after: int) -> bool:
        """Wait until the job has more than `after` events or has ended. Returns False after KEEPALIVE_SECONDS."""
        reader = Reader(after)
        self._readers[job_id].add(reader)
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        try:
            async with asyncio.timeout(KEEPALIVE_SECONDS):
                await reader.has_news.wait()
            return True
        except TimeoutError:
            return False
        finally:
            self._readers[job_id].discard(reader)
            if not self._readers[job_id]:
                del self._readers[job_id]

    async def _poll(self) -> None:
        """While there are readers: query the newest event of all their jobs, and wake the readers that lack it."""
        while self._readers:
            await asyncio.sleep(POLL_SECONDS)
            try:
                newest = await to_thread.run_sync(newest_events, self._sessions, list(self._readers))
            except AppError as error:
                logger.debug("events cannot be polled: %s", error)
                continue
            for job_id, readers in self._readers.items():
                number, is_ended = newest.get(job_id, (0, True))
                for reader in readers:
                    if is_ended or number > reader.after:
                        reader.has_news.set()
