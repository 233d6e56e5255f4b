"""Limits the body of a request, before or while it is read."""

from functools import wraps

from starlette.types import Message, Receive, Scope

from app.api.headers import find_header
from app.errors import BodyTooLarge


def limit_body(scope: Scope, receive: Receive, *, max_bytes: int) -> Receive:
    """A `receive` that raises BodyTooLarge past `max_bytes`. Raises BodyTooLarge at once for a declared length past it.

    Starlette's RequestBodyLimitMiddleware is not used: its 413 is plain text instead of a problem document, and it
    replaces any other answer to a declared length past the limit, a 401 too.
    """
    declared = find_header(scope, b"content-length") or ""
    if declared.isascii() and declared.isdigit():  # the server hands on no more than was declared
        if int(declared) > max_bytes:
            raise _too_large(max_bytes)
        return receive
    received = 0

    @wraps(receive)  # for disconnect_check to find what it wraps
    async def limited_receive() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise _too_large(max_bytes)
        return message

    return limited_receive


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {max_bytes:,} bytes, which is the most that is read here.")
