"""Bounds on JSON, counted in its bytes before it is parsed.

Parsing holds the interpreter's lock: 8 MB of `[],[],` hold it for half a second, whichever thread parses them.
"""

import json
from typing import NamedTuple

from app.errors import InvalidInput, UnsupportedMediaType

MAX_UNCOUNTED_BYTES = 16_384  # whatever they are, they take less than a millisecond


class JsonLimits(NamedTuple):
    """How many of these characters a body may have, those in its strings included."""

    commas: int
    brackets: int  # [ and {
    colons: int


SMALL = JsonLimits(commas=1_000, brackets=100, colons=100)  # of what is no list of numbers


def wrong_media_type(media_type: str) -> UnsupportedMediaType:
    """Says that a body of this type is not read as JSON."""
    return UnsupportedMediaType(
        f"A body of type {media_type or '(none given)'} cannot be read here. Set Content-Type: application/json.",
        location="header.Content-Type",
    )


def not_json(error: json.JSONDecodeError) -> InvalidInput:
    """Says where the JSON of a body ends to be JSON."""
    return InvalidInput(
        f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.", location="body"
    )


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
