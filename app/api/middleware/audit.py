"""The audit log: who changed what."""

import logging
import re
from functools import lru_cache

from app.access.authorization import Caller
from app.redaction import show_path

audit = logging.getLogger("numeral.audit")

CHANGING_METHODS = ("DELETE", "PATCH", "POST", "PUT")
READ_ONLY_POST = re.compile(r"/v1/(predict|read|backprop)(/.*)?|/v2(/.*)?")  # POST because they have a body


def write_audit_line(caller: Caller, method: str, path: str, route: str, status: int, location: str | None) -> None:
    """Log a request that may have changed something; `location` names what it created."""
    if is_changing(method, path):
        where = {"key": caller.key_id or "none", "address": caller.address, "route": route}
        made = {"location": location} if location else {}
        audit.info("%s %s %d", method, show_path(path), status, extra=where | made)


@lru_cache(maxsize=256)
def is_changing(method: str, path: str) -> bool:
    return method in CHANGING_METHODS and not READ_ONLY_POST.fullmatch(path)
