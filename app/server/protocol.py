"""A connection of uvicorn that bounds what its client can occupy: heads, time, bodies, and the connection itself.

uvicorn parses with llhttp, which bounds none of these. What is rejected here has not reached the application yet.
"""

import asyncio
import heapq
import logging
import time
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.server.limits import BodyBudget, ServerLimits, trim_heap
from app.server.lingering_transport import LingeringTransport
from app.server.rejection import render_problem

logger = logging.getLogger(__name__)

SHUTDOWN_LINGER_SECONDS = 0.2  # that an idle connection is still read after the service has stopped listening
SWEEP_SECONDS = 1.0
SLICE_SECONDS = 0.005  # of a sweep, in one iteration of the event loop: to answer 500 slow heads takes 20 ms
TRIM_SECONDS = 5.0  # at the latest: pictures and figures leave free memory inside the heap, 60 to 90 MB after an attack
EVICTED_SHARE = 0.05  # of all connections: so many idle ones are closed at once when there are too many


class BoundedConnections:
    """Makes the connections of one server, and holds what they share. uvicorn calls it as a protocol class."""

    def __init__(self, limits: ServerLimits) -> None:
        self.limits, self.budget = limits, BodyBudget(limits.max_body_bytes)
        self.open_connections: set[BoundedProtocol] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rejections = 0
        self._trimmed_at = 0.0  # by the loop's clock

    def __call__(self, **options: Any) -> "BoundedProtocol":
        protocol = BoundedProtocol(self, **options)
        if self._loop is None:
            self._loop, self.open_connections = protocol.loop, protocol.connections  # type: ignore[assignment]
            self._loop.call_later(SWEEP_SECONDS, self._sweep)
        return protocol

    def make_room(self, newest: "BoundedProtocol") -> bool:
        """Close the longest idle connections if there are too many. Returns False where none is idle."""
        if len(self.open_connections) <= self.limits.max_connections:
            return True
        idle = [connection for connection in self.open_connections if connection.is_idle and connection is not newest]
        count = max(1, int(EVICTED_SHARE * self.limits.max_connections))
        for connection in heapq.nsmallest(count, idle, key=lambda connection: connection.since):
            connection.close()
        return bool(idle)

    def log(self, status: int, detail: str, client: tuple[str, int] | None) -> None:
        """Log one rejection a second at most: a flood must not fill the log."""
        self._rejections += 1
        if self._rejections == 1:
            logger.warning("rejected a request of %s with %d: %s", client[0] if client else "unknown", status, detail)

    def _bound_unread_answers(self) -> None:
        """Close the connections whose clients leave the most unread, until all of it is within the budget."""
        excess = sum(each.unread_bytes for each in self.open_connections) - self.limits.max_unread_bytes
        for connection in sorted(self.open_connections, key=lambda each: -each.unread_bytes) if excess > 0 else ():
            connection.transport.abort()
            excess -= connection.unread_bytes
            if excess <= 0:
                return

    def _sweep(self) -> None:
        if self._loop is None or self._loop.is_closed():
            return
        if self._rejections > 1:
            logger.warning("rejected %d more requests before they reached the application", self._rejections - 1)
        self._rejections = 0
        self._end_slow_ones(self._loop, list(self.open_connections))

    def _end_slow_ones(self, loop: asyncio.AbstractEventLoop, connections: "list[BoundedProtocol]") -> None:
        end = time.perf_counter() + SLICE_SECONDS
        while connections and time.perf_counter() < end:
            connection = connections.pop()
            if connection in self.open_connections:
                connection.end_if_too_slow(loop.time())
        if connections:
            loop.call_soon(self._end_slow_ones, loop, connections)
        else:
            self._end_sweep(loop, loop.time())

    def _end_sweep(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        self._bound_unread_answers()
        if self.budget.has_shrunk() or now >= self._trimmed_at + TRIM_SECONDS:
            self._trimmed_at = now
            loop.run_in_executor(None, trim_heap)
        loop.call_later(SWEEP_SECONDS, self._sweep)


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, server: BoundedConnections, **options: Any) -> None:
        super().__init__(**options)
        self._server, self._limits = server, server.limits
        self._is_reading_head = self._is_dropping = False
        self._silent_bytes = 0  # received since llhttp last handed something on: of a head, a trailer or a chunk's head
        self._body_bytes = self._forgotten_bytes = 0  # of the request's body; of those: not in memory any more
        self.since = 0.0  # when the present phase began, by the loop's clock: idle, head, or body
        self._body_seconds = 0.0  # that the body could have been sent in
        self.unread_bytes = 0  # of answers, at the last sweep
        self._unread_seconds = 0.0  # without progress

    # asyncio's side

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._socket = transport
        self.transport = cast(asyncio.Transport, LingeringTransport(transport, self))
        self.since = self.loop.time()
        if not self._server.make_room(self):
            detail = "Too many connections are open. Try again in a second."
            self._server.log(503, detail, self.client)
            transport.write(render_problem(503, detail))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._release_body()
        super().connection_lost(exc)
        self._free()

    def data_received(self, data: bytes) -> None:
        if self._is_dropping:
            self._drop(len(data))
            return
        self._silent_bytes += len(data)
        super().data_received(data)
        if self._silent_bytes > self._limits.max_head_bytes and not self._is_dropping:
            # of a head, or of a trailer or chunk extension, which llhttp keeps until it is complete
            self._reject_head()
        if self._is_dropping:
            self._forget_head()  # one read may have held 28,000 fields, 4 MB

    # llhttp's side. It calls these for every request, so they do as little as they can.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_reading_head = True
        self.since = self.loop.time()

    def on_headers_complete(self) -> None:
        if self._is_dropping:
            return
        if not self._has_small_head():
            self._reject_head()
            return
        self._is_reading_head = False
        self._silent_bytes, self._body_seconds = 0, 0.0
        hosts = [value for name, value in self.headers if name == b"host"]
        has_one_host = len(hosts) == 1 and hosts[0]
        if not has_one_host and (hosts or self.parser.get_http_version() == "1.1"):
            self._reject(400, "A request must have the header Host exactly once (RFC 9112, 3.2).")
            return
        super().on_headers_complete()
        self.headers = []  # the fields of a trailer are no headers (RFC 9110, 6.5.1)

    def _has_small_head(self) -> bool:
        limits = self._limits
        if len(self.headers) > limits.max_head_fields:
            return False
        if self._silent_bytes <= limits.max_head_bytes:  # with what may have come behind the head
            return True
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) <= limits.max_head_bytes

    def on_body(self, body: bytes) -> None:
        self._silent_bytes = 0
        if self._is_dropping:
            return
        if self.cycle.response_complete:  # the answer came before the end of the body, which uvicorn reads and drops
            self._read_once_per_turn()
            return
        self._body_bytes += len(body)
        if self._server.budget.take(len(body)):
            super().on_body(body)
        else:
            self._reject(503, "The bodies that are being sent take all the memory that is set aside for them.")

    def on_chunk_header(self) -> None:
        self._silent_bytes = 0

    def on_message_complete(self) -> None:
        if not self._is_dropping:
            self._silent_bytes = 0
            super().on_message_complete()
            if not self.pipeline:
                self.flow.resume_reading()  # a large body paused it, and it is reading that notices a disconnect

    # uvicorn's side

    def on_response_complete(self) -> None:
        """As uvicorn's, but without a timer for each idle connection: the sweep closes them."""
        self._release_body()
        self.since = self.loop.time()
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())

    def shutdown(self) -> None:
        """As uvicorn's, but an idle connection is read a little longer: a request may be on its way."""
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(SHUTDOWN_LINGER_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        if not self._is_dropping:
            self._reject(400, "This is no valid HTTP request.")

    # What the sweep asks

    @property
    def is_idle(self) -> bool:
        return not self._is_reading_head and (self.cycle is None or self.cycle.response_complete)

    def end_if_too_slow(self, now: float) -> None:
        """Close the connection where it has been idle, or its client has been sending, for too long."""
        seconds = now - self.since
        if self._is_unread_too_long():
            self.transport.abort()
            return
        if self._is_dropping:
            if seconds > self._limits.linger_seconds:
                self.transport.abort()
        elif self._is_reading_head:
            if seconds > self._limits.head_seconds:
                self._reject(408, f"The head of the request took more than {self._limits.head_seconds:g} seconds.")
        elif self.is_idle:
            if seconds > self._limits.idle_seconds:
                self.close()
        elif self.cycle.more_body and not self.flow.read_paused:
            self._body_seconds += SWEEP_SECONDS
            allowed = self._limits.body_grace_seconds + self._body_bytes / self._limits.min_body_bytes_per_second
            if self._body_seconds > allowed:
                self._reject(408, "The body arrives too slowly.")

    def _is_unread_too_long(self) -> bool:
        """Whether the client has taken nothing of what lies in the buffer for too long."""
        size = self._socket.get_write_buffer_size()
        has_progress = size == 0 or size != self.unread_bytes
        self.unread_bytes = size
        self._unread_seconds = 0.0 if has_progress else self._unread_seconds + SWEEP_SECONDS
        return self._unread_seconds > self._limits.unread_seconds

    def close(self) -> None:
        cast(LingeringTransport, self.transport).flush()
        self._socket.close()

    # Rejection

    def linger(self) -> None:
        """Drop what the client still sends, for a while: a connection that is reset may lose the answer."""
        if not self._is_dropping:
            self._is_dropping, self.since, self._silent_bytes = True, self.loop.time(), 0
            self.flow.resume_reading()
            if self.transport.can_write_eof():
                self.transport.write_eof()

    def forget_body(self, size: int) -> None:
        """Give so many bytes of the body back to the budget: they are on disk now."""
        size = min(size, self._body_bytes - self._forgotten_bytes)
        self._forgotten_bytes += size
        self._server.budget.give_back(size)

    def has_unread_body(self) -> bool:
        return self.cycle is not None and self.cycle.more_body

    def _reject_head(self) -> None:
        limits = self._limits
        if self._is_reading_head and 2 * len(self.url) > limits.max_head_bytes:
            self._reject(414, f"The URL is longer than {limits.max_head_bytes:,} bytes.")
        else:
            self._reject(431, f"A head may have {limits.max_head_fields} fields and {limits.max_head_bytes:,} bytes.")

    def _reject(self, status: int, detail: str) -> None:
        """Answer without the application, and close."""
        if self._is_dropping:
            return
        self._server.log(status, detail, self.client)
        cycle, is_answered = self.cycle, self.cycle is not None and self.cycle.response_started
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if self._is_reading_head:  # of a pipelined request: what was asked before is not answered yet
                is_answered = True
        else:
            is_answered = False
        if not is_answered:
            self.transport.write(render_problem(status, detail))
        self.pipeline.clear()
        self._release_body()
        self.linger()

    def _forget_head(self) -> None:
        self.headers, self.url = [], b""

    def _free(self) -> None:
        """Free a lost connection and its request at once. A reference cycle waits for a full collection: a few hundred
        requests with long heads then take a gigabyte."""
        self._forget_head()
        self.transport = self._socket
        self.scope = self.cycle = None  # type: ignore[assignment]

    def _drop(self, size: int) -> None:
        self._silent_bytes += size
        if self._silent_bytes > self._server.budget.max_bytes:
            self.transport.abort()
            return
        self._read_once_per_turn()

    def _read_once_per_turn(self) -> None:
        """Let the others be served between two reads of what is dropped. libuv reads up to 32 times in a row, 8 MB."""
        self.flow.pause_reading()
        self.loop.call_soon(self.flow.resume_reading)

    def _release_body(self) -> None:
        if self._body_bytes:
            self._server.budget.give_back(self._body_bytes - self._forgotten_bytes)
            self._body_bytes = self._forgotten_bytes = 0
