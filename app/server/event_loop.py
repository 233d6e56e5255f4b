"""An event loop that takes in all new connections of a tick.

uvloop takes one a tick. When a few hundred clients connect at once to a busy server, the last of them, and whoever asks
GET /livez behind them, waits for as many ticks: 9 seconds, as measured with 512 connections.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

import uvloop

PAUSE_SECONDS = 0.1  # where the process has no file descriptor left


class Listener:
    """A socket that is being listened at: as much of asyncio's Server as uvicorn asks for."""

    def __init__(self, loop: "EagerLoop", listening: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        self._loop, self._serve, self.sockets = loop, serve, [listening]
        self._resume()

    def _resume(self) -> None:
        if self.sockets:
            self._loop.add_reader(self.sockets[0].fileno(), self._accept_all)

    def _accept_all(self) -> None:
        while True:
            try:
                connection, _ = self.sockets[0].accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._loop.remove_reader(self.sockets[0].fileno())
                self._loop.call_later(PAUSE_SECONDS, self._resume)
                return
            self._serve(connection)

    def close(self) -> None:
        """Listen no more; what has connected by now is still taken in, the system would reset it."""
        if self.sockets:
            self._accept_all()
        while self.sockets:
            listening = self.sockets.pop()
            self._loop.remove_reader(listening.fileno())
            listening.close()

    async def wait_closed(self) -> None:
        pass


class EagerLoop(uvloop.Loop):
    """uvloop with such listeners, for what uvicorn asks of a loop."""

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str | None = None,
        port: int | None = None,
        *,
        sock: socket.socket | None = None,
        ssl: ssl.SSLContext | None = None,
        backlog: int = 2048,
        **_: Any,
    ) -> Listener:
        if sock is None:
            family = socket.AF_INET6 if ":" in (host or "") else socket.AF_INET
            sock = socket.create_server((host or "", port or 0), family=family, backlog=backlog)
        sock.listen(backlog)
        sock.setblocking(False)
        opening: set[asyncio.Task[Any]] = set()  # the loop itself holds tasks only weakly

        def serve(connection: socket.socket) -> None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self.create_task(self.connect_accepted_socket(protocol_factory, connection, ssl=ssl))
            opening.add(task)
            task.add_done_callback(opening.discard)

        return Listener(self, sock, serve)
