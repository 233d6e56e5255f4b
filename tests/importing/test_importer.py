import asyncio
import io
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import pytest
from PIL import Image

from app.datasets.tables import Dataset
from app.db import Sessions
from app.errors import ClientGone, DeadlineExceeded, Overloaded
from app.importing import importer
from app.importing.importer import Importer
from app.serving.load_shedding import LoadShedder
from app.serving.request_context import RequestContext
from app.storage.folder import FolderStorage
from models.datasets.contents import Contents, read_contents
from models.errors import ArchiveTooLarge
from models.pictures.eye import Eye
from models.training.data import Dataset as MnistPictures
from tests.uploads import draw_digit, idx_files, make_zip, zip_of_digits

EYE = Eye.load()
DIGITS = zip_of_digits({1: 3, 7: 3})

Create = Callable[..., Dataset]


def make_importer(sessions: Sessions, storage: FolderStorage) -> Importer:
    return Importer(sessions, storage, EYE, LoadShedder(), decode_seconds=10, max_bytes=10**8)


@pytest.fixture
def create(sessions: Sessions, storage: FolderStorage) -> Create:
    """Imports a zip archive as the data set `mine`."""

    def create(content: bytes, context: RequestContext = RequestContext()) -> Dataset:  # noqa: B008 - it is a tuple
        async def run() -> Dataset:
            return await make_importer(sessions, storage).create("mine", [("a.zip", io.BytesIO(content))], context)

        return asyncio.run(run())

    return create


def test_pictures_that_need_the_decoder_process_are_read_too(create: Create) -> None:
    files = {f"{digit}/{number}.png": draw_digit(digit, number) for digit in (1, 7) for number in range(3)}
    file = io.BytesIO()
    Image.open(io.BytesIO(draw_digit(7, 4))).save(file, "TIFF")
    dataset = create(make_zip(files | {"7/scan.tif": file.getvalue(), "7/cut.tif": file.getvalue()[:-3000]}))
    assert (dataset.counts["1"], dataset.counts["7"]) == (3, 4)
    [rejected] = dataset.rejected["items"]
    assert rejected["file"] == "7/cut.tif"


@pytest.mark.parametrize(
    ("bound", "value", "error", "words"),
    [
        ("MAX_SEEN_PICTURES", 5, ArchiveTooLarge, "6 pictures are not in MNIST's format yet, more than 5"),
        ("MAX_IMPORT_PIXELS", 59_999, ArchiveTooLarge, "more than 59,999 pixels together"),
        ("MAX_IMPORT_SECONDS", 0.0, DeadlineExceeded, "in the time that an import may take"),
    ],
)
def test_import_is_bounded(
    create: Create,
    storage: FolderStorage,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
    value: Any,
    error: type[Exception],
    words: str,
) -> None:
    monkeypatch.setattr(importer, bound, value)
    with pytest.raises(error, match=words):
        create(DIGITS)
    assert list(storage.list()) == []
    monkeypatch.undo()
    assert create(DIGITS).counts["7"] == 3


def test_wait_for_another_import_counts(
    sessions: Sessions, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def read_slowly(*args: Any) -> Contents:
        reading.set()
        assert go_on.wait(60)
        return read_contents(*args)

    async def run() -> Dataset:
        mine = make_importer(sessions, storage)
        with monkeypatch.context() as patched:
            patched.setattr(importer, "read_contents", read_slowly)
            first = asyncio.create_task(mine.create("one", [("a.zip", io.BytesIO(DIGITS))], RequestContext()))
            assert await asyncio.to_thread(reading.wait, 60)
        try:
            for seconds, context in ((0.1, RequestContext()), (60, RequestContext(time.monotonic() + 0.1))):
                with monkeypatch.context() as patched:
                    patched.setattr(importer, "MAX_IMPORT_SECONDS", seconds)
                    with pytest.raises(DeadlineExceeded, match="Another data set"):
                        await asyncio.wait_for(mine.create("two", [("a.zip", io.BytesIO(DIGITS))], context), 10)
        finally:
            go_on.set()
        await first
        return await mine.create("two", [("a.zip", io.BytesIO(DIGITS))], RequestContext())

    assert asyncio.run(run()).counts["7"] == 3


def test_client_that_goes_while_its_last_pictures_are_read_leaves_no_data_set(
    sessions: Sessions, storage: FolderStorage, mnist: MnistPictures
) -> None:
    files = idx_files((mnist.test.images[:50, 0].numpy(), mnist.test.labels[:50].numpy()))
    is_gone = threading.Event()

    class LastFile(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            if not found:  # all was read
                is_gone.set()
            return found

    readable: list[tuple[str, BinaryIO]] = [
        (files[0][0], io.BytesIO(files[0][1])), (files[1][0], LastFile(files[1][1])),
    ]  # fmt: skip

    async def run() -> None:
        await make_importer(sessions, storage).create("mine", readable, RequestContext(None, is_gone.is_set))

    with pytest.raises(ClientGone):
        asyncio.run(run())
    assert list(storage.list()) == []


def test_import_of_a_client_that_is_gone_ends(create: Create, storage: FolderStorage) -> None:
    asked: list[None] = []

    def is_disconnected() -> bool:
        asked.append(None)
        return len(asked) > 2

    with pytest.raises(ClientGone):
        create(DIGITS, RequestContext(None, is_disconnected))
    assert list(storage.list()) == []


def test_training_pictures_that_are_also_in_the_test_set_are_left_out(
    sessions: Sessions, storage: FolderStorage, mnist: MnistPictures
) -> None:
    images, labels = mnist.test.images[:60, 0].numpy().copy(), mnist.test.labels[:60].numpy()
    images[7] = np.roll(images[7], 5, axis=1)  # out of the middle: the eye looks at it
    training, test = [*range(50), 55], [3, 7, *range(50, 60)]  # 3, 7 and 55 are in both
    files = idx_files((images[training], labels[training]), (images[test], labels[test]))
    readable: list[tuple[str, BinaryIO]] = [(name, io.BytesIO(content)) for name, content in files]

    async def run() -> Dataset:
        return await make_importer(sessions, storage).create("mine", readable, RequestContext())

    dataset = asyncio.run(run())
    assert dataset.splits["test"] == 12
    assert sum(dataset.splits.values()) == 51 + 12 - 3
    assert {each["file"]: each["reason"] for each in dataset.rejected["items"]} == dict.fromkeys(
        ["train picture 3", "train picture 7", "train picture 50"], "It is also in the test set."
    )


def test_more_imports_than_places_are_rejected(sessions: Sessions, storage: FolderStorage) -> None:
    async def run() -> None:
        mine = make_importer(sessions, storage)
        async with mine.places.place(), mine.places.place():
            with pytest.raises(Overloaded, match="2 data sets are being imported already"):
                async with mine.places.place():
                    pass
        async with mine.places.place():
            pass

    asyncio.run(run())
