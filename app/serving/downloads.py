"""Answers too large to be handed to the connection at once: how many are sent at a time, and how slow a reader may be.

Such an answer is read from the artifact store and sent in chunks of 256 kB, so it occupies less than a megabyte
whatever its size, and one of a few places. Its reader keeps the place only while it takes the answer at a least pace.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.serving.load_shedding import LoadShedder
from app.serving.places import Places

MAX_DOWNLOADS = 16  # at once, in this process; 429 past it
DOWNLOAD_THREADS = 4  # that read and encode chunks
MAX_STILL_SECONDS = 30.0  # without a chunk taken, before the connection is closed
MIN_BYTES_PER_SECOND = 2**15  # on average, after the first MAX_STILL_SECONDS


def places_for_downloads(load_shedder: LoadShedder) -> Places:
    refusal = f"{MAX_DOWNLOADS} large files are being sent already; ask again later."
    return Places(load_shedder, places=MAX_DOWNLOADS, threads=DOWNLOAD_THREADS, refusal=refusal)


class ReaderPace:
    """How long the reader of one answer has let the server wait, and how long it may."""

    def __init__(self) -> None:
        self._sent_bytes, self._waited_seconds = 0, 0.0

    @asynccontextmanager
    async def sending(self, size: int) -> AsyncIterator[None]:
        """Send `size` bytes in the block. Raises TimeoutError if the reader does not take what was sent before."""
        started = asyncio.get_running_loop().time()
        allowed_seconds = MAX_STILL_SECONDS + self._sent_bytes / MIN_BYTES_PER_SECOND
        async with asyncio.timeout(min(MAX_STILL_SECONDS, allowed_seconds - self._waited_seconds)):
            yield
        self._waited_seconds += asyncio.get_running_loop().time() - started
        self._sent_bytes += size
