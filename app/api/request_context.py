"""What a client allows a prediction: the header X-Request-Timeout, and that it does not hang up."""

import re
import time

from starlette.requests import Request

from app.errors import InvalidInput
from app.serving.request_context import Turn

TIMEOUT = "X-Request-Timeout"
SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?")

TIMEOUT_PARAMETER = {
    "name": TIMEOUT, "in": "header", "schema": {"type": "string", "pattern": f"^{SECONDS.pattern}$"},
    "description": "seconds from arrival within which its computation must begin; 504 otherwise",
}  # fmt: skip


def read_turn(request: Request) -> Turn:
    """What the client allows this request. Raises InvalidInput."""
    cycle = getattr(request.receive, "__self__", None)  # uvicorn's; to await `receive` instead would cost a task each
    return Turn(_read_deadline(request), lambda: getattr(cycle, "disconnected", False))


def _read_deadline(request: Request) -> float | None:
    timeout = request.headers.get(TIMEOUT)
    if timeout is None:
        return None
    if not SECONDS.fullmatch(timeout):
        raise InvalidInput(
            f"{TIMEOUT} must be a number of seconds such as 0.5, not {timeout[:40]!r}.", location=f"header.{TIMEOUT}"
        )
    return time.monotonic() + float(timeout)
