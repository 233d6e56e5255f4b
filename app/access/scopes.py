"""Which scope each request needs. What is not listed here needs `admin`, so a forgotten endpoint is closed."""

import re
from functools import lru_cache
from typing import NamedTuple

READ = ("GET", "HEAD")


class Rule(NamedTuple):
    """Requests of these methods (None: all) to these paths need one of these scopes; without scopes they are open."""

    methods: tuple[str, ...] | None
    paths: re.Pattern[str]
    scopes: tuple[str, ...]


def _rule(methods: tuple[str, ...] | None, paths: str, *scopes: str) -> Rule:
    return Rule(methods, re.compile(paths), scopes)


RULES = (
    _rule(READ, r"/livez|/readyz|/v2/health/(live|ready)"),
    _rule(READ, r"/|/console(/.*)?|/favicon\.ico|/docs|/openapi\.json"),  # the pages only: their requests need a key
    _rule(("POST",), r"/v1/(predict|read)(/.*)?", "predict"),
    _rule(None, r"/v2(/.*)?", "predict"),
    _rule(READ, r"/v1/models(/.*)?", "predict", "train"),
    _rule(("PATCH",), r"/v1/models/[^/]+", "train"),  # a note; all else that changes a version is for admins
    _rule(READ, r"/v1/recipes", "train"),
    _rule(None, r"/v1/jobs(/.*)?", "train"),
    _rule(None, r"/v1/datasets(/.*)?", "train"),
    _rule(("POST",), r"/v1/predictions/feedback", "predict", "train"),
    _rule(None, r"/v1/backprop(/.*)?", "train"),
)
ADMIN = ("admin",)
NEVER_LIMITED = ("/livez", "/v2/health/live")  # a 429 would cost as much as the answer
PROBES = ("/readyz", "/v2/health/ready")  # they ask the database; orchestrators and proxies ask them all the time

# Parameters that hold a key, and our own keys (numeral_...) under any name.
KEY_IN_QUERY = re.compile(
    r"(^|[&;])(x[-_])?(api[-_]?key|access[-_]?token|token|key|authorization)=|numeral_[0-9a-f]", re.I
)
KEY_IN_PATH = re.compile(r"numeral_[0-9a-f]{10}_[0-9a-f]")


@lru_cache(maxsize=1024)
def scopes_for(method: str, path: str) -> tuple[str, ...]:
    """The scopes of which the request needs one; empty if it is open to everybody."""
    for rule in RULES:
        if (rule.methods is None or method in rule.methods) and rule.paths.fullmatch(path):
            return rule.scopes
    return ADMIN
