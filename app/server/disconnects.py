"""Whether the client of a request has disconnected."""

from collections.abc import Callable

from starlette.types import Receive


def disconnect_check(receive: Receive) -> Callable[[], bool]:
    """A function that returns True once the client has disconnected; always False where the server does not tell.

    uvicorn's `receive` is a method of the object that knows. To await `receive` instead would cost a task per request.
    """
    cycle = getattr(receive, "__self__", None)
    return lambda: getattr(cycle, "disconnected", False)
