"""Receives a form with large files into a file without a name, which goes when it is closed, and reads its parts there.

A body of 256 MB is neither held in memory nor searched in one go: that would hold up the event loop.
"""

import errno
import io
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from starlette.requests import ClientDisconnect, Request

from app.api.forms import Part, find_parts
from app.errors import StorageFull
from app.server.disconnects import forget_body
from app.serving.places import Places

WRITE_BYTES = 2**20  # that are received before they are written
SEARCH_BYTES = 2**20  # of a body in memory at once: 1 ms

Result = TypeVar("Result")


class Upload:
    """A form in a file."""

    def __init__(self, file: BinaryIO, parts: list[Part]) -> None:
        self._file, self._parts = file, parts

    def other_fields(self, *known: str) -> list[str]:
        """The names of the fields that are none of these."""
        return [part.name for part in self._parts if part.name not in known]

    def files(self, field: str) -> list[tuple[str, BinaryIO]]:
        """The name and the content of each file that was sent in this field."""
        return [(part.file_name, self._open(part)) for part in self._parts if part.name == field]

    def texts(self, field: str, *, max_bytes: int) -> list[str]:
        """The beginning of each text that was sent in this field."""
        return [
            self._open(part).read(max_bytes).decode("utf-8", "replace") for part in self._parts if part.name == field
        ]

    def _open(self, part: Part) -> BinaryIO:
        return io.BufferedReader(_FilePart(self._file.fileno(), part.start, part.end))


@asynccontextmanager
async def receiving(request: Request, places: Places, *, folder: Path, max_parts: int) -> AsyncIterator[Upload]:
    """The form of a request, whose body is written to a file in `folder`, until the block ends.

    Raises ClientDisconnect, InvalidInput, StorageFull.
    """
    file = await places.run(lambda: _attempt(lambda: _open_file(folder), folder))
    try:
        await _write_body(request, places, file, folder)
        content_type = request.headers["content-type"]
        yield Upload(
            file, await places.run(lambda: find_parts(_FileBody(file.fileno()), content_type, limit=max_parts))
        )
    finally:
        await places.run(file.close)


async def _write_body(request: Request, places: Places, file: BinaryIO, folder: Path) -> None:
    waiting, size, has_more = list[bytes](), 0, True
    while has_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        has_more = message.get("more_body", False)
        waiting.append(message.get("body", b""))
        size += len(waiting[-1])
        if size >= WRITE_BYTES or not has_more:
            await places.run(partial(_attempt, partial(file.writelines, waiting), folder))
            forget_body(request.receive, size)
            waiting, size = [], 0
    await places.run(lambda: _attempt(file.flush, folder))


def _open_file(folder: Path) -> BinaryIO:
    return tempfile.TemporaryFile(dir=folder)


def _attempt(work: Callable[[], Result], folder: Path) -> Result:
    try:
        return work()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"The disk of {folder} is full; free some space.") from error
        raise


class _FileBody:
    """The bytes of a file, for a search."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._size = descriptor, os.fstat(descriptor).st_size

    def find(self, wanted: bytes, start: int = 0, end: int | None = None) -> int:
        """As bytes.find, for a `start` of 0 or more."""
        end = self._size if end is None else min(end, self._size)
        while start + len(wanted) <= end:
            window = self[start : min(end, start + SEARCH_BYTES)]
            if (found := window.find(wanted)) >= 0:
                return start + found
            start += max(1, len(window) - len(wanted) + 1)
        return -1

    def __getitem__(self, part: slice) -> bytes:
        start, end, _ = part.indices(self._size)
        return os.pread(self._descriptor, max(0, end - start), start)


class _FilePart(io.RawIOBase):
    """A part of a file, as a file of its own."""

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        self._descriptor, self._start, self._size, self._position = descriptor, start, end - start, 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = max(0, min(len(buffer), self._size - self._position))
        count = os.preadv(self._descriptor, [buffer[:wanted]], self._start + self._position) if wanted else 0
        self._position += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "a negative position in a file")  # as of a file, which zipfile counts on
        self._position = base + offset
        return self._position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
