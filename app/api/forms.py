"""Multipart forms (RFC 7578): the parts of one field as bytes, whether they have a file name or not.

python-multipart steps through some bodies byte by byte in Python, and Starlette reads a part without a file name as
text. Here the whole body has been received already, into memory or a file (uploads.py), and is searched for its
boundary.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from python_multipart.multipart import parse_options_header

from app.errors import InvalidInput

MAX_BOUNDARY_BYTES = 70  # RFC 2046, section 5.1.1
MAX_PART_HEAD_BYTES = 4_096
MAX_OTHER_PARTS = 32  # fields that are ignored, such as a CSRF token or a submit button
MAX_NAMED, MAX_SHOWN = 3, 40  # of these in a message, and characters of a name


class Body(Protocol):
    """The bytes of a form: `bytes`, or what looks like them."""

    def find(self, wanted: bytes, start: int = 0, end: int = ..., /) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


class Part(NamedTuple):
    """A part of a form, and where its content stands in the body."""

    name: str
    file_name: str
    start: int
    end: int


def read_field(body: bytes, content_type: str, field: str, *, limit: int) -> list[bytes]:
    """The content of each part named `field`, 1 to `limit` of them, in order.

    Parts of other names are ignored, except `model`: the champion would answer in place of the one that was meant.
    Raises InvalidInput.
    """
    found: list[bytes] = []
    others: list[str] = []
    for number, (name, _, start, end) in enumerate(_parts(body, _boundary(content_type))):
        if number >= limit + MAX_OTHER_PARTS:
            raise InvalidInput(f"The form has more than {limit + MAX_OTHER_PARTS} parts.", location="body")
        if name == field:
            if len(found) == limit:
                raise _not_as_many(field, limit)
            found.append(body[start:end])
        elif name == "model":
            raise InvalidInput("There is no such field; model goes into the query.", location="body.model")
        else:
            others.append(name)
    if not found:
        raise _not_as_many(field, limit, others)
    return found


def find_parts(body: Body, content_type: str, *, limit: int) -> list[Part]:
    """All parts of the form. Raises InvalidInput, for more than `limit` of them too."""
    found: list[Part] = []
    for part in _parts(body, _boundary(content_type)):
        if len(found) == limit:
            raise InvalidInput(f"The form has more than {limit} parts.", location="body")
        found.append(part)
    return found


def show_others(names: Sequence[str]) -> str:
    """The fields of a form that nobody reads, for a message about one that is missing."""
    named = dict.fromkeys(repr(name[:MAX_SHOWN]) for name in names)
    return f"; its other fields: {', '.join(list(named)[:MAX_NAMED])}" if named else ""


def _parts(body: Body, boundary: bytes) -> Iterator[Part]:
    """Each part: its name, and where its content starts and ends."""
    delimiter, between = b"--" + boundary, b"\r\n--" + boundary
    # What stands before the first boundary is ignored.
    position = 0 if body[: len(delimiter)] == delimiter else body.find(between) + 2
    if position == 1:
        raise InvalidInput("The form cannot be read: its boundary is not in it.", location="body")
    position += len(delimiter)
    while body[position : position + 2] != b"--":
        start = _skip_line_end(body, position)
        end = body.find(between, start - 2)  # a part may be empty: the line end before it is the next boundary's
        if end == -1:
            raise InvalidInput("The form cannot be read: it is cut off.", location="body")
        head_end = body.find(b"\r\n\r\n", start - 2, min(end, start + MAX_PART_HEAD_BYTES) + 4)
        if head_end == -1:
            raise InvalidInput(
                f"The form cannot be read: a part has no headers, or more than {MAX_PART_HEAD_BYTES:,} bytes of them.",
                location="body",
            )
        yield Part(*_names(body[start:head_end]), head_end + 4, end)
        position = end + len(between)


def _skip_line_end(body: Body, position: int) -> int:
    """Where the line after a boundary starts. Blanks may follow a boundary."""
    end = body.find(b"\r\n", position, position + MAX_BOUNDARY_BYTES)
    if end == -1 or body[position:end].strip(b" \t"):
        raise InvalidInput("The form cannot be read: no line ends behind its boundary.", location="body")
    return end + 2


def _names(head: bytes) -> tuple[str, str]:
    """The field that a part belongs to, and the name of its file; empty where it does not say."""
    for line in head.split(b"\r\n"):
        header, _, value = line.partition(b":")
        if header.strip().lower() == b"content-disposition":
            options = parse_options_header(value.strip())[1]
            name, file_name = (options.get(key, b"").decode("utf-8", "replace") for key in (b"name", b"filename"))
            return name, file_name
    return "", ""


def _boundary(content_type: str) -> bytes:
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 1 <= len(boundary) <= MAX_BOUNDARY_BYTES:
        raise InvalidInput(
            f"The form cannot be read: its Content-Type must name a boundary of 1 to {MAX_BOUNDARY_BYTES} characters.",
            location="header.Content-Type",
        )
    return boundary


def _not_as_many(field: str, limit: int, others: Sequence[str] = ()) -> InvalidInput:
    wanted = "one picture" if limit == 1 else f"1 to {limit} pictures"
    return InvalidInput(
        f"The form must hold {wanted} in the field {field!r}{show_others(others)}.", location=f"body.{field}"
    )
