"""A real server with short limits, and what a hostile client sends it."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.server.disconnects import forget_body
from app.server.limits import ServerLimits
from app.server.protocol import BoundedConnections
from tests.conftest import free_port

SHORT = ServerLimits(
    head_seconds=1,
    idle_seconds=3,
    body_grace_seconds=1,
    linger_seconds=1,
    unread_seconds=2,
    max_unread_bytes=8 * 2**20,
    max_connections=20,
    max_body_bytes=4 * 2**20,
)


class Server:
    """Answers each request with the number of bytes in its body and its headers; `seen` are the scopes."""

    def __init__(self, limits: ServerLimits) -> None:
        self.port, self.seen = free_port(), list[Scope]()
        self.connections = BoundedConnections(limits)
        options = {"interface": "asgi3", "lifespan": "off", "log_config": None}
        config = uvicorn.Config(self.answer, port=self.port, http=self.connections, **options)  # type: ignore[arg-type]
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope)
        size, more = 0, scope["path"] not in ("/early", "/early/kept")
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message.get("body", b""))
            if scope["path"] == "/stored":
                forget_body(receive, len(message.get("body", b"")))
            more = message.get("more_body", False)
        body = b"a" * 4 * 2**20 if scope["path"] == "/large" else str(size).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        if scope["path"] == "/early":
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/later":
            await asyncio.sleep(1)
        await send({"type": "http.response.body", "body": body})

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, *parts: bytes) -> tuple[int, bytes]:
        """Status and everything that the server answered until it closed or fell silent; 0 where it only closed."""
        with self.connect() as connection:
            _send_all(connection, parts)
            received = connection.recv(2**16)
            return (int(received[9:12]), received) if received else (0, b"")

    def wait_until_closed(self) -> None:
        """Until no connection is open."""
        deadline = time.monotonic() + 10
        while self.connections.open_connections:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.1)  # until the event loop has called what it still had to

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


def _send_all(connection: socket.socket, parts: Iterable[bytes]) -> None:
    try:
        for part in parts:
            connection.sendall(part)
    except OSError:
        pass  # the server has closed; what it answered can still be read


@contextmanager
def running(limits: ServerLimits) -> Iterator[Server]:
    server = Server(limits)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def bounded() -> Iterator[Server]:
    with running(SHORT) as server:
        yield server
