"""From what a client sent to what the network takes: each picture is decoded where it holds up nobody else.

Tiny pictures are decoded on the event loop: to hand one to a thread takes longer. Small ones have threads of their own,
so that they never wait for medium ones and pages. Large ones, and those of which nobody can tell how long they take,
go to a process that can be killed, one at a time.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.errors import AppError
from app.serving.decoder_process import DecoderProcess
from app.serving.load_shedding import LoadShedder
from app.serving.request_context import RequestContext
from app.serving.threads import BoundedThreads
from models.errors import ModelError, PictureTooLarge
from models.inference.line_reader import LineReader
from models.inference.segmentation import Segmentation, segment
from models.pictures.decoding import Decoded
from models.pictures.encoded import MAX_SMALL_BYTES, Effort, EncodedPicture
from models.pictures.eye import Eye
from models.pictures.mnist_format import Normalised, as_mnist
from models.pictures.normalisation import normalise

Pixels = NDArray[np.float32]
PictureReader = Callable[[], EncodedPicture | Pixels]  # gives pixels (28, 28) 0..255, or a picture still to be decoded

INLINE_PICTURE_BYTES, INLINE_PIXELS = 16_384, 64 * 64  # at most, of a tiny picture

# Requests past these are answered 429.
SMALL_THREADS, MAX_WAITING_SMALL = 4, 32  # a picture of 320x400 pixels takes 5 ms
MEDIUM_THREADS, MAX_WAITING_MEDIUM = 2, 32  # 4 megapixels take 80 MB and 100 ms
MAX_WAITING_LARGE = 16
MAX_REQUEST_PIXELS = 256_000_000  # of all pictures of a request together: 413
CHECK_SECONDS = 0.2  # after so long, who has disconnected gives up the place in the queue


class Prepared(NamedTuple):
    """A picture as the network takes it."""

    pixels: Pixels  # (28, 28), 0..1
    normalised: Normalised | None  # how it became so; None for pixels, which are taken as they are


_Found = Prepared | EncodedPicture | AppError | ModelError


class Preparation:
    """Belongs to one event loop. Every method raises Overloaded, DeadlineExceeded and ClientGone."""

    def __init__(self, decoder: DecoderProcess, load_shedder: LoadShedder, eye: Eye) -> None:
        self._decoder, self._load_shedder, self._eye = decoder, load_shedder, eye
        self.small = BoundedThreads(load_shedder, threads=SMALL_THREADS, max_waiting=MAX_WAITING_SMALL)
        self.medium = BoundedThreads(load_shedder, threads=MEDIUM_THREADS, max_waiting=MAX_WAITING_MEDIUM)
        self._large = BoundedThreads(load_shedder, threads=1, max_waiting=0)
        self._is_decoding = asyncio.Lock()
        self._large_requests = 0  # waiting or running

    async def prepare(self, read: PictureReader, size_bytes: int, context: RequestContext) -> Prepared:
        """Prepare one picture. Raises InvalidInput, PictureRefused."""
        if size_bytes > INLINE_PICTURE_BYTES:
            threads = self.small if size_bytes <= MAX_SMALL_BYTES else self.medium
            found = await threads.run(lambda: _prepare_within(Effort.SMALL, read(), self._eye), context)
        else:
            sent = read()
            if not isinstance(sent, EncodedPicture) or (sent.pixels <= INLINE_PIXELS and sent.effort is Effort.SMALL):
                return _prepare(sent, self._eye)
            found = sent
            if sent.effort is Effort.SMALL:
                return await self.small.run(lambda: _prepare(sent, self._eye), context)
        return found if isinstance(found, Prepared) else await self._prepare_costly(found, context)

    async def prepare_all(
        self, split: Callable[[], Iterable[PictureReader]], context: RequestContext
    ) -> list[Prepared | AppError | ModelError]:
        """Prepare several pictures; the error of one that cannot be read stands in its place.

        Raises what `split` raises, PictureTooLarge where they have too many pixels together.
        """
        found = await self.medium.map(self._open, _in_turn(split), context)
        encoded = [each for each in found if isinstance(each, EncodedPicture)]
        if (pixels := sum(each.pixels for each in encoded)) > MAX_REQUEST_PIXELS:
            raise PictureTooLarge(
                f"The pictures have {pixels:,} pixels together, more than {MAX_REQUEST_PIXELS:,}. Send fewer."
            )
        if encoded:
            found = await self.medium.map(self._attempt, found, context)
        return [
            await self._attempt_large(each, context) if isinstance(each, EncodedPicture) else each for each in found
        ]

    async def segment(self, read: PictureReader, reader: LineReader, context: RequestContext) -> Segmentation:
        """Find the digits of a page. Raises InvalidInput, PictureRefused."""
        found = await self.medium.run(lambda: _segment_within(Effort.MEDIUM, read(), reader, self._eye), context)
        if isinstance(found, Segmentation):
            return found
        decoded = await self._decode(found, context)
        return await self.medium.run(lambda: segment(decoded, reader, self._eye), context)

    def _open(self, read: PictureReader) -> _Found:
        """A picture still to be decoded, and not opened: that would take memory for each; or pixels, ready."""
        try:
            sent = read()
        except (AppError, ModelError) as error:
            return error.with_traceback(None)  # with it, the pictures of its frames would stay in memory
        return sent._replace(opened=None) if isinstance(sent, EncodedPicture) else _prepare(sent, self._eye)

    def _attempt(self, found: _Found) -> _Found:
        """Prepare a picture, unless it is a large one."""
        if not isinstance(found, EncodedPicture):
            return found
        try:
            prepared = _prepare_within(Effort.MEDIUM, found, self._eye)
            return without_evidence(prepared) if isinstance(prepared, Prepared) else prepared
        except ModelError as error:
            return error.with_traceback(None)

    async def _prepare_costly(self, picture: EncodedPicture, context: RequestContext) -> Prepared:
        if picture.effort is not Effort.LARGE:
            return await self.medium.run(lambda: _prepare(picture, self._eye), context)
        decoded = await self._decode(picture, context)
        return await self.medium.run(lambda: _normalise(decoded, self._eye), context)

    async def _attempt_large(self, picture: EncodedPicture, context: RequestContext) -> Prepared | ModelError:
        try:
            return without_evidence(await self._prepare_costly(picture, context))
        except ModelError as error:
            return error.with_traceback(None)

    async def _decode(self, picture: EncodedPicture, context: RequestContext) -> Decoded:
        """Decode a large picture in the process, when its turn has come."""
        if self._large_requests > MAX_WAITING_LARGE:
            await self._load_shedder.reject(
                f"{MAX_WAITING_LARGE} large pictures wait already to be decoded; ask again in a second."
            )
        self._large_requests += 1
        try:
            await _acquire(self._is_decoding, context)
            try:
                return await self._large.run(lambda: self._decoder.decode(picture.content, context), context)
            finally:
                self._is_decoding.release()
        finally:
            self._large_requests -= 1


async def _acquire(lock: asyncio.Lock, context: RequestContext) -> None:
    """Acquire the lock unless the client disconnects or its deadline passes before."""
    acquiring = asyncio.ensure_future(lock.acquire())
    try:
        while not acquiring.done():
            await asyncio.wait((acquiring,), timeout=CHECK_SECONDS)
            context.check()
    except BaseException:
        if not acquiring.cancel():
            lock.release()
        raise


def _prepare_within(effort: Effort, sent: EncodedPicture | Pixels, eye: Eye) -> Prepared | EncodedPicture:
    """Prepare what was sent, unless it takes more than that effort."""
    return sent if isinstance(sent, EncodedPicture) and sent.effort > effort else _prepare(sent, eye)


def _segment_within(
    effort: Effort, sent: EncodedPicture | Pixels, reader: LineReader, eye: Eye
) -> Segmentation | EncodedPicture:
    if not isinstance(sent, EncodedPicture):
        return segment(Image.fromarray(sent.round().astype(np.uint8)), reader, eye)
    return sent if sent.effort > effort else segment(sent.open(), reader, eye)


def _in_turn(split: Callable[[], Iterable[PictureReader]]) -> Iterator[PictureReader]:
    """What `split` gives; it is called with the first of it, in a thread."""
    yield from split()


def _prepare(sent: EncodedPicture | Pixels, eye: Eye) -> Prepared:
    return _normalise(sent.open(), eye) if isinstance(sent, EncodedPicture) else Prepared(sent / np.float32(255), None)


def without_evidence(prepared: Prepared) -> Prepared:
    """The same without the picture that its evidence holds."""
    normalised = prepared.normalised
    if normalised is None or normalised.evidence is None:
        return prepared
    return prepared._replace(normalised=replace(normalised, evidence=None))


def _normalise(picture: Image.Image | Decoded, eye: Eye) -> Prepared:
    normalised = as_mnist(picture.upright if isinstance(picture, Decoded) else picture) or normalise(picture, eye)
    return Prepared(normalised.image.astype(np.float32) / np.float32(255), normalised)
