"""Bounds on JSON, counted in its bytes before it is parsed.

Parsing holds the interpreter's lock: 8 MB of `[],[],` hold it for half a second, whichever thread parses them.
"""

import json
import sys
from typing import NamedTuple

from app.errors import InvalidInput, UnsupportedMediaType

MAX_UNCOUNTED_BYTES = 16_384  # whatever they are, they take less than a millisecond


class JsonLimits(NamedTuple):
    """How many of these characters a body may have, those in its strings included."""

    commas: int
    brackets: int  # [ and {
    colons: int


WORDS = {  # for what orjson says
    "depth limit exceeded": "it is nested too deep",
    "number is infinity when parsed as double": "a number is too large",
}
SMALL = JsonLimits(commas=1_000, brackets=100, colons=100)  # of what is no list of numbers


def wrong_media_type(media_type: str) -> UnsupportedMediaType:
    """Says that a body of this type is not read as JSON."""
    return UnsupportedMediaType(
        f"A body of type {media_type or '(none given)'} cannot be read here. Set Content-Type: application/json.",
        location="header.Content-Type",
    )


def not_json(body: bytes, error: ValueError | RecursionError) -> InvalidInput:
    """Says why a body is no JSON, and where: `error` is what json or orjson raised."""
    return InvalidInput(f"The body is not JSON: {_describe(body, error)}.", location="body")


def _describe(body: bytes, error: ValueError | RecursionError) -> str:
    if not body.strip():
        return "it is empty"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return _describe_text(error)
    if not isinstance(error, json.JSONDecodeError):  # the only other ValueError of json
        return f"a number in it has more than {sys.get_int_max_str_digits():,} digits"
    if not error.doc:  # orjson could not decode it, and does not say where
        try:
            body.decode()
        except UnicodeDecodeError as found:
            return _describe_text(found)
    return f"{WORDS.get(error.msg, error.msg)} at line {error.lineno}, column {error.colno}"


def _describe_text(error: UnicodeDecodeError) -> str:
    before = error.object[: error.start].decode(error.encoding, "surrogatepass")  # as json decodes it
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return f"it is not {error.encoding.upper()} at line {line}, column {column}"


def require_within(body: bytes, limits: JsonLimits) -> None:
    """Raise InvalidInput for JSON that would take long to parse or to validate."""
    if len(body) <= MAX_UNCOUNTED_BYTES:
        return
    commas, brackets, colons = body.count(b","), body.count(b"[") + body.count(b"{"), body.count(b":")
    if commas > limits.commas or brackets > limits.brackets:
        raise InvalidInput(
            f"The JSON has {commas + brackets:,} commas and brackets; at most {limits.commas:,} commas and "
            f"{limits.brackets:,} brackets are read here.",
            location="body",
        )
    if colons > limits.colons:
        raise InvalidInput(f"The JSON has {colons:,} colons; at most {limits.colons:,} are read here.", location="body")
