"""Whether the client of a request has disconnected."""

from collections.abc import Callable

from starlette.types import Receive


def disconnect_check(receive: Receive) -> Callable[[], bool]:
    """A function that returns True once the client has disconnected, and always False under another server.

    Reads uvicorn's request object, of which `receive` is a method. Awaiting `receive` would cost a task per request.
    """
    cycle = getattr(getattr(receive, "__wrapped__", receive), "__self__", None)
    return lambda: getattr(cycle, "disconnected", False)
