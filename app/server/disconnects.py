"""Whether the client of a request has disconnected; how the server ends the connection of one that stands still; and
that a body is not in memory any more.

All read uvicorn's request object, of which `receive` is a method. Middleware with a `receive` of its own names the one
that it wraps by `__wrapped__`, or has an object with `disconnected` and `transport`, too.
"""

from collections.abc import Callable
from typing import Any

from starlette.types import Receive


def disconnect_check(receive: Receive) -> Callable[[], bool]:
    """A function that returns True once the client has disconnected, and always False under another server.

    Awaiting `receive` would cost a task per request.
    """
    cycle = _cycle(receive)
    return lambda: getattr(cycle, "disconnected", False)


def abort_connection(receive: Receive) -> None:
    """Close the connection at once: what its client has not taken yet is dropped. No-op under another server."""
    transport = transport_of(receive)
    if transport is not None:
        transport.abort()


def forget_body(receive: Receive, size: int) -> None:
    """Tell the server that so many bytes of the body are not in memory any more. No-op under another server."""
    forget = getattr(transport_of(receive), "forget_body", None)
    if forget is not None:
        forget(size)


def transport_of(receive: Receive) -> Any:
    """Returns the transport of the request's connection; None under another server."""
    return getattr(_cycle(receive), "transport", None)


def _cycle(receive: Receive) -> Any:
    return getattr(getattr(receive, "__wrapped__", receive), "__self__", None)
