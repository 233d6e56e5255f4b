"""Reads the address, the credentials and the id of a request."""

import itertools
import re
import secrets

from starlette.types import Scope

from app.access.authorization import Caller

REQUEST_ID = re.compile(rb"(?!.*numeral_[0-9a-f]{10})[A-Za-z0-9._:-]{1,64}")  # no key
CREDENTIALS = (b"authorization", b"x-api-key")
HEADERS = frozenset((*CREDENTIALS, b"host", b"origin", b"x-request-id"))  # all that is looked at
PROCESS_ID = secrets.token_hex(4)  # the beginning of all request ids that this process makes up

_numbers = itertools.count(1)


def read_caller(scope: Scope) -> Caller:
    found = [header for header in scope["headers"] if header[0] in HEADERS]
    headers = dict(found)
    request_id = headers.get(b"x-request-id")
    is_valid = request_id is not None and REQUEST_ID.fullmatch(request_id)
    return Caller(
        scope["client"][0] if scope.get("client") else "unknown",
        request_id.decode() if request_id and is_valid else f"{PROCESS_ID}{next(_numbers):08x}",
        headers.get(b"authorization", b""),
        headers.get(b"x-api-key", b""),
        headers.get(b"origin", b""),
        headers.get(b"host", b""),
        len(found) > len(headers) and _has_two(found, *CREDENTIALS),
    )


def _has_two(headers: list[tuple[bytes, bytes]], *names: bytes) -> bool:
    """Whether one of these headers is there twice."""
    found = [name for name, _ in headers if name in names]
    return len(found) > len(set(found))
