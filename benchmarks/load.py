"""A load generator of little CPU time: sends one request repeatedly over some connections.

python benchmarks/load.py PORT CONNECTIONS REQUESTS < the bytes of one request      prints JSON
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import uvloop

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Tally:
    """The requests that are left, and the responses so far."""

    remaining: int
    unanswered: int
    finished: "asyncio.Future[None]"
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    example: bytes = b""


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the response to the last one is complete."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self.request, self.tally = request, tally
        self.received, self.wanted = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        if self.tally.remaining > 0:
            self.tally.remaining -= 1
            self.received, self.wanted = b"", 0
            self.started = time.perf_counter()
            self.transport.write(self.request)  # type: ignore[attr-defined]
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.wanted:
            head, end, _ = self.received.partition(b"\r\n\r\n")
            if not end:
                return
            length = LENGTH.search(head)
            if length is None:
                raise ValueError(f"an answer without Content-Length: {head!r}")
            self.wanted = len(head) + 4 + int(length[1])
        if len(self.received) >= self.wanted:
            self.answered()
            self.send()

    def answered(self) -> None:
        tally = self.tally
        tally.seconds.append(time.perf_counter() - self.started)
        tally.statuses[self.received[9:12].decode()] += 1
        tally.example = self.received
        tally.unanswered -= 1
        if tally.unanswered == 0:
            tally.finished.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.tally.finished.done() and self.wanted == 0:
            self.tally.finished.set_exception(ConnectionError(f"the server hung up: {error}"))


async def load(port: int, connections: int, requests: int, request: bytes) -> dict[str, object]:
    """Send the request `requests` times. Returns the duration in seconds, latencies in milliseconds, and statuses."""
    loop = asyncio.get_running_loop()
    tally = Tally(requests, requests, loop.create_future())
    start = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(request, tally), "127.0.0.1", port)
    await tally.finished
    elapsed = time.perf_counter() - start
    ordered = sorted(tally.seconds)
    return {
        "seconds": elapsed,
        "p50": 1000 * ordered[len(ordered) // 2],
        "p99": 1000 * ordered[int(0.99 * len(ordered))],
        "statuses": dict(tally.statuses),
        "example": tally.example.decode("latin-1"),
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(load(*map(int, sys.argv[1:4]), sys.stdin.buffer.read()))))
