"""Makes a data set of an upload: finds the pictures, lets the eye see each, divides them into splits, stores them.

An import has decoding threads and a decoder process of its own, so it takes no place of a prediction's. It decodes one
picture at a time, and one import runs at a time in each process.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from app.datasets import service
from app.datasets.tables import Dataset
from app.db import Sessions
from app.errors import DeadlineExceeded
from app.serving.decoder_process import DecoderProcess
from app.serving.load_shedding import LoadShedder
from app.serving.places import Places
from app.serving.preparation import Preparation, Prepared
from app.serving.request_context import RequestContext
from app.storage import Storage
from models.datasets.archives import as_printable
from models.datasets.contents import Contents, Rejected, Source, read_contents
from models.datasets.pictures import LabelledPictures, find_tested, split
from models.errors import ArchiveRefused, ArchiveTooLarge, DescriptorsExhausted
from models.pictures.encoded import EncodedPicture, examine
from models.pictures.eye import Eye
from models.pictures.rejection import RejectionReason
from models.wording import counted

MAX_IMPORTS = 2  # received or running at once, in each process; 429 past it
MAX_SEEN_PICTURES = 10_000  # of one import that the eye looks at: about a minute
MAX_IMPORT_PIXELS = 4_000_000_000  # of those together
MAX_IMPORT_SECONDS = 100.0  # HAProxy (deploy/haproxy.cfg) waits 2 minutes for an answer
MAX_REASON_LENGTH = 300  # characters, of what a decoder says of a damaged picture
PICTURES_AT_ONCE = 4  # within MAX_REQUEST_PIXELS, however large each is

NOT_USABLE: dict[RejectionReason, str] = {
    "blank": "No ink was found in it.",
    "too_small": "Its ink is too small to show the strokes of a digit.",
    "not_a_digit": "It shows several digits, or marks that are no digit.",
}
ALSO_TESTED = "It is also in the test set."


class Importer:
    """Belongs to one event loop."""

    def __init__(
        self,
        sessions: Sessions,
        storage: Storage,
        eye: Eye,
        load_shedder: LoadShedder,
        *,
        decode_seconds: float,
        max_bytes: int,
    ) -> None:
        """`places` has room for MAX_IMPORTS uploads, from their first byte on."""
        self._sessions, self._storage, self._eye, self._load_shedder = sessions, storage, eye, load_shedder
        self._decode_seconds, self._max_bytes = decode_seconds, max_bytes
        refusal = f"{MAX_IMPORTS} data sets are being imported already; ask again later."
        self.places = Places(load_shedder, places=MAX_IMPORTS, threads=MAX_IMPORTS, refusal=refusal)
        self._is_importing = asyncio.Lock()

    async def create(self, name: str, files: list[tuple[str, BinaryIO]], context: RequestContext) -> Dataset:
        """Make a data set of one zip archive or of IDX files, given with their names. Returns it.

        Raises ArchiveRefused, ArchiveTooLarge, DatasetExists, DatasetBuiltIn, QuotaReached, StorageFull,
        StorageUnavailable, DatabaseUnavailable, DecoderUnavailable, DeadlineExceeded, ClientGone.
        """
        context = context.until(time.monotonic() + MAX_IMPORT_SECONDS)  # with the wait for another import
        await self.places.run(partial(self._require_free, name))
        async with self._turn(context):
            pictures, rejected = await self._read(files, context)
            context.check()
            return await self.places.run(
                lambda: service.create(
                    self._sessions, self._storage, name, pictures, rejected, max_bytes=self._max_bytes
                )
            )

    @asynccontextmanager
    async def _turn(self, context: RequestContext) -> AsyncIterator[None]:
        """Be the only import during the block. Raises DeadlineExceeded if another runs until the deadline."""
        left = None if context.deadline is None else context.deadline - time.monotonic()
        try:
            async with asyncio.timeout(left):
                await self._is_importing.acquire()
        except TimeoutError as error:
            raise DeadlineExceeded(
                "Another data set was being imported all the time that this import may take; ask again later."
            ) from error
        try:
            yield
        finally:
            self._is_importing.release()

    def _require_free(self, name: str) -> None:
        with self._sessions.reading() as session:
            service.require_free(session, name)

    async def _read(
        self, files: list[tuple[str, BinaryIO]], context: RequestContext
    ) -> tuple[LabelledPictures, list[Rejected]]:
        decoder = DecoderProcess(max_seconds=self._decode_seconds)  # started with the first picture that needs it
        try:
            context.check()
            contents = await self.places.run(lambda: read_contents(files, context.check))
            if len(contents.sources) > MAX_SEEN_PICTURES:
                raise ArchiveTooLarge(
                    f"{len(contents.sources):,} pictures are not in MNIST's format yet, more than "
                    f"{MAX_SEEN_PICTURES:,}. Divide them into several data sets."
                )
            seeing = _Seeing(Preparation(decoder, self._load_shedder, self._eye), context)
            await seeing.see_all(contents.sources)
        except DeadlineExceeded as error:
            raise DeadlineExceeded(
                f"The pictures could not be read in the time that an import may take, {MAX_IMPORT_SECONDS:g} s. Send "
                "fewer or smaller ones."
            ) from error
        finally:
            await self.places.run(decoder.close)
        return await self.places.run(lambda: seeing.finish(contents))


class _Seeing:
    """The pictures of one import as the eye sees them."""

    def __init__(self, preparation: Preparation, context: RequestContext) -> None:
        self._preparation, self._context = preparation, context
        self._images: list[NDArray[np.uint8]] = []
        self._sources: list[Source] = []  # of the images
        self._rejected: list[Rejected] = []
        self._names: dict[tuple[bytes, bool], str] = {}  # by the sha256 of a picture and whether it is in the test set
        self._pixels = 0

    async def see_all(self, sources: list[Source]) -> None:
        for start in range(0, len(sources), PICTURES_AT_ONCE):
            some = sources[start : start + PICTURES_AT_ONCE]
            readers = [self._reader(source) for source in some]
            found = await self._preparation.prepare_all(partial(iter, readers), self._context)
            for source, each in zip(some, found, strict=True):
                self._add(source, each)

    def finish(self, contents: Contents) -> tuple[LabelledPictures, list[Rejected]]:
        """Returns all pictures of the upload, and what is no part of them. Raises ArchiveRefused if none is left."""
        rejected = contents.rejected + self._rejected
        images = contents.images
        if self._images:
            images = np.concatenate([images, np.array(self._images, np.uint8)])
        if not len(images):
            first = "; ".join(f"{each.name}: {each.reason}" for each in rejected[:3])
            raise ArchiveRefused(f"Of {counted(len(rejected), 'file')}, none can be used. {first}")
        labels = np.concatenate([contents.labels, np.array([each.digit for each in self._sources], np.uint8)])
        if not contents.has_test:
            return split(images, labels), rejected
        is_test = np.concatenate([contents.is_test, np.array([each.is_test for each in self._sources], np.bool_)])
        is_left_out = find_tested(images, is_test)
        if is_left_out.any():
            names = contents.names + [each.name for each in self._sources]
            rejected += [Rejected(names[number], ALSO_TESTED) for number in np.flatnonzero(is_left_out).tolist()]
            images, labels, is_test = images[~is_left_out], labels[~is_left_out], is_test[~is_left_out]
        return split(images, labels, is_test), rejected

    def _reader(self, source: Source) -> Callable[[], EncodedPicture]:
        def read() -> EncodedPicture:
            picture = examine(source.read())
            self._pixels += picture.pixels
            return picture

        return read

    def _add(self, source: Source, found: Prepared | Exception) -> None:
        if self._pixels > MAX_IMPORT_PIXELS:
            raise ArchiveTooLarge(
                f"The pictures have more than {MAX_IMPORT_PIXELS:,} pixels together. Send fewer, or smaller ones."
            )
        if isinstance(found, DescriptorsExhausted):
            raise found
        normalised = found.normalised if isinstance(found, Prepared) else None
        if normalised is None:
            self._reject(source, str(found))
        elif normalised.rejection_reason is not None:
            self._reject(source, NOT_USABLE[normalised.rejection_reason])
        else:
            key = hashlib.sha256(normalised.image.tobytes()).digest(), source.is_test
            first = self._names.setdefault(key, source.name)
            if first is not source.name:
                self._reject(source, f"It is the same picture as {first}.")
            else:
                self._images.append(normalised.image)
                self._sources.append(source)

    def _reject(self, source: Source, reason: str) -> None:
        self._rejected.append(Rejected(source.name, as_printable(reason[:MAX_REASON_LENGTH])))
