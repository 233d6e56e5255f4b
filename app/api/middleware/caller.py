"""Reads the address, the credentials and the id of a request."""

import itertools
import re
import secrets

from starlette.types import Scope

from app.access.authorization import Caller

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
HEADERS = frozenset((b"authorization", b"host", b"origin", b"x-api-key", b"x-request-id"))  # all that is looked at
PROCESS_ID = secrets.token_hex(4)  # the beginning of all request ids that this process makes up

_numbers = itertools.count(1)


def read_caller(scope: Scope) -> Caller:
    headers = {name: value for name, value in scope["headers"] if name in HEADERS}
    request_id = headers.get(b"x-request-id", b"")
    return Caller(
        scope["client"][0] if scope.get("client") else "unknown",
        request_id.decode() if REQUEST_ID.fullmatch(request_id) else f"{PROCESS_ID}{next(_numbers):08x}",
        headers.get(b"authorization", b""),
        headers.get(b"x-api-key", b""),
        headers.get(b"origin", b""),
        headers.get(b"host", b""),
    )
