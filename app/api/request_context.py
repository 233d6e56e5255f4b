"""What a client allows a prediction: the header X-Request-Timeout, and that it does not disconnect."""

import re
import time

from starlette.requests import Request

from app.api.headers import find_header
from app.errors import InvalidInput
from app.server.disconnects import disconnect_check
from app.serving.request_context import RequestContext

TIMEOUT = "X-Request-Timeout"
SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?")

TIMEOUT_PARAMETER = {
    "name": TIMEOUT, "in": "header", "schema": {"type": "string", "pattern": f"^{SECONDS.pattern}$"},
    "description": "seconds from arrival within which its computation must begin; 504 otherwise",
}  # fmt: skip


def read_context(request: Request) -> RequestContext:
    """What the client allows this request. Raises InvalidInput."""
    return RequestContext(_read_deadline(request), disconnect_check(request.receive))


def _read_deadline(request: Request) -> float | None:
    timeout = find_header(request.scope, b"x-request-timeout")
    if timeout is None:
        return None
    if not SECONDS.fullmatch(timeout):
        raise InvalidInput(
            f"{TIMEOUT} must be a number of seconds such as 0.5, not {timeout[:40]!r}.", location=f"header.{TIMEOUT}"
        )
    return time.monotonic() + float(timeout)
