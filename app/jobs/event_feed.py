"""Live events of jobs, and their ends, for any number of readers, at the cost of one query for all of them.

Events are numbered without a gap, so a reader that reconnects with the last number it saw, to this process or to
another one, misses none and gets none twice.
"""

import asyncio
import logging
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from anyio import to_thread

from app.db import Sessions
from app.errors import AppError, JobNotFound
from app.jobs.events import EventPage, newest_events, read_events
from app.jobs.tables import JobEvent

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25  # between two queries for new events
MIN_POLL_SECONDS = 0.005  # while somebody waits for the end of a job that began just now: a sweep may take 10 ms
WAITED_SHARE = 0.2  # of the time that the newest of them has waited, until the next query
MAX_QUERY_SHARE = 0.04  # of a core, for these queries
MAX_POLL_SECONDS = 1.0  # between two queries, however long they take
KEEPALIVE_SECONDS = 15.0
MAX_WAITS = 1000  # for the end of a job, at once; past it, a wait ends at once


def _never() -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Reader:
    """A client that has a job's events up to number `after` and waits for more, or for the job's end."""

    after: float  # infinite: until the job's end
    is_disconnected: Callable[[], bool] = _never
    has_news: asyncio.Event = field(default_factory=asyncio.Event)
    since: float = field(default_factory=time.monotonic)


class EventFeed:
    """Feeds the readers of one event loop."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._readers: defaultdict[str, set[Reader]] = defaultdict(set)  # by job
        self._queries: dict[tuple[str, int], asyncio.Task[EventPage]] = {}
        self._polling: asyncio.Task[None] | None = None
        self._waits: set[Reader] = set()  # the readers that wait for the end of their job
        self._has_new_wait = asyncio.Event()
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

    async def wait_for_end(self, job_id: str, *, seconds: float, is_disconnected: Callable[[], bool]) -> bool:
        """Wait until the job ends, `seconds` are over, the client disconnects or this process ends.

        Returns False, at once, if MAX_WAITS clients wait already.
        """
        if len(self._waits) >= MAX_WAITS:
            return False
        reader = Reader(math.inf, is_disconnected)
        self._waits.add(reader)
        self._has_new_wait.set()
        try:
            if not self._is_closing:
                await self._wait_for_news(job_id, reader, seconds)
        finally:
            self._waits.discard(reader)
        return True

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
        return await self._wait_for_news(job_id, Reader(after), KEEPALIVE_SECONDS)

    async def _wait_for_news(self, job_id: str, reader: Reader, seconds: float) -> bool:
        self._readers[job_id].add(reader)
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        try:
            async with asyncio.timeout(seconds):
                await reader.has_news.wait()
            return True
        except TimeoutError:
            return False
        finally:
            self._readers[job_id].discard(reader)
            if not self._readers[job_id]:
                del self._readers[job_id]

    async def _poll(self) -> None:
        """While there are readers: query the newest event of all their jobs, and wake the readers that have news."""
        started, query_seconds = time.monotonic(), 0.0
        while self._readers:
            await self._pause(started + query_seconds, query_seconds)
            started, asked = time.monotonic(), list(self._readers)
            try:
                newest = await to_thread.run_sync(newest_events, self._sessions, asked)
            except AppError as error:
                logger.debug("events cannot be polled: %s", error)
                continue
            query_seconds = time.monotonic() - started
            for job_id in asked:
                number, is_ended = newest.get(job_id, (0, True))
                for reader in self._readers.get(job_id, ()):
                    if is_ended or number > reader.after or reader.is_disconnected():
                        reader.has_news.set()

    async def _pause(self, last_query: float, query_seconds: float) -> None:
        """Wait until the next query is due; a wait that begins meanwhile may bring it forward."""
        while (left := last_query + self._pause_seconds(query_seconds) - time.monotonic()) > 0:
            self._has_new_wait.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._has_new_wait.wait()

    def _pause_seconds(self, query_seconds: float) -> float:
        newest = max((reader.since for reader in self._waits), default=-math.inf)
        wanted = max(MIN_POLL_SECONDS, min(POLL_SECONDS, WAITED_SHARE * (time.monotonic() - newest)))
        return max(wanted, min(MAX_POLL_SECONDS, query_seconds / MAX_QUERY_SHARE))
