"""The transport as uvicorn knows it: it sends a head with its body, and closes when the client has seen both."""

import asyncio
from typing import Any, Protocol

MAX_HELD_BYTES = 4096  # of an answer that wait for its next bytes: a head


class Connection(Protocol):
    """What the transport asks of its connection (protocol.py)."""

    loop: asyncio.AbstractEventLoop

    def has_unread_body(self) -> bool: ...

    def linger(self) -> None: ...

    def forget_body(self, size: int) -> None: ...


class LingeringTransport:
    """The transport as uvicorn knows it; `close` lets the client see an answer that came before the end of its body."""

    def __init__(self, transport: asyncio.Transport, connection: Connection) -> None:
        self._transport, self._connection = transport, connection
        self.is_closing, self.abort, self.can_write_eof = transport.is_closing, transport.abort, transport.can_write_eof
        self.forget_body = connection.forget_body
        self._held = b""

    def write(self, data: bytes) -> None:
        """Send the data; the head of an answer together with what follows in this iteration of the event loop.

        uvloop makes a system call for each `write`, a twentieth of the CPU time of a prediction.
        """
        if self._held:
            held, self._held = self._held, b""
            self._transport.writelines((held, data))
        elif len(data) <= MAX_HELD_BYTES:
            self._held = data
            self._connection.loop.call_soon(self.flush)
        else:
            self._transport.write(data)

    def flush(self) -> None:
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)

    def write_eof(self) -> None:
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        self.flush()
        if self._connection.has_unread_body() and not self._transport.is_closing():
            self._connection.linger()
        else:
            self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
