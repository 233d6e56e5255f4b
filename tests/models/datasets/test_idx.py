import gzip
import io
import struct

import numpy as np
import pytest

from models.datasets import idx
from models.datasets.idx import IdxPictures, read_idx_files
from models.errors import ArchiveRefused, ArchiveTooLarge
from tests.uploads import IDX_NAMES, idx_files, make_idx

IMAGES = np.arange(5 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(5, 28, 28)
LABELS = np.array([7, 2, 1, 0, 4], np.uint8)


def read(files: list[tuple[str, bytes]]) -> IdxPictures:
    return read_idx_files({name: io.BytesIO(content) for name, content in files})


@pytest.mark.parametrize("is_packed", [False, True])
def test_four_files_are_a_training_and_a_test_set(is_packed: bool) -> None:
    found = read(idx_files((IMAGES[:3], LABELS[:3]), (IMAGES[3:], LABELS[3:]), is_packed=is_packed))
    assert np.array_equal(found.images, IMAGES)
    assert found.labels.tolist() == [7, 2, 1, 0, 4]
    assert found.is_test.tolist() == [False, False, False, True, True]
    assert found.has_test


def test_two_files_are_a_training_set() -> None:
    found = read(idx_files((IMAGES, LABELS)))
    assert (found.has_test, found.is_test.any(), len(found.labels)) == (False, False, 5)


@pytest.mark.parametrize(
    "names",
    [
        ["raw/emnist-digits-train-images-idx3-ubyte", "raw/emnist-digits-train-labels-idx1-ubyte"],
        ["train-images.idx3-ubyte", "MNIST/Train-Labels.idx1-ubyte"],
    ],
)
def test_names_may_have_other_parts_or_a_dot(names: list[str]) -> None:
    contents = [content for _, content in idx_files((IMAGES, LABELS))]
    assert len(read(list(zip(names, contents, strict=True))).labels) == 5


def test_what_does_not_belong_together_is_refused() -> None:
    good = dict(idx_files((IMAGES, LABELS)))
    images, labels = good.values()
    for files, words in [
        ([(IDX_NAMES[0], images)], "or the first two"),
        ([(IDX_NAMES[0], images), ("train-labels.idx1-ubyte", make_idx(LABELS[:4]))], "5 pictures, but 4 labels"),
        ([(IDX_NAMES[0], images), (IDX_NAMES[1], make_idx(LABELS + 6))], "A label is 13"),
        (
            [(IDX_NAMES[0], images), (IDX_NAMES[1], labels), ("2/train-images.idx3-ubyte", images)],
            "two files of the train images",
        ),
        ([(IDX_NAMES[0], labels), (IDX_NAMES[1], labels)], "no IDX file of 3 dimension"),
        ([(IDX_NAMES[0], images[:-1]), (IDX_NAMES[1], labels)], "has not the 3,920 bytes"),
        ([(IDX_NAMES[0], images + b"x"), (IDX_NAMES[1], labels)], "has not the 3,920 bytes"),
        ([(IDX_NAMES[0], gzip.compress(images)[:-20]), (IDX_NAMES[1], labels)], "is damaged"),
        ([("pictures", images), (IDX_NAMES[1], labels)], "'pictures' is none of the IDX files"),
    ]:
        with pytest.raises(ArchiveRefused, match=words):
            read(files)


def test_training_and_test_pictures_must_have_one_size() -> None:
    with pytest.raises(ArchiveRefused, match="not of one size"):
        read(idx_files((IMAGES, LABELS), (IMAGES[:, :20], LABELS)))


def test_head_that_declares_too_much_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = (IDX_NAMES[1], make_idx(LABELS))
    for shape, words in [((2**31, 28, 28), "of 2,147,483,648 pictures"), ((129, 1024, 1024), "take 135,266,304 bytes")]:
        with pytest.raises(ArchiveTooLarge, match=words):
            read([(IDX_NAMES[0], struct.pack(">HBB3I", 0, 8, 3, *shape)), labels])
    with pytest.raises(ArchiveTooLarge, match="of 4,294,967,295 pictures"):
        read([(IDX_NAMES[0], make_idx(IMAGES)), (IDX_NAMES[1], struct.pack(">HBBI", 0, 8, 1, 2**32 - 1))])
    with pytest.raises(ArchiveTooLarge, match="1 to 1024 pixels"):
        read([(IDX_NAMES[0], struct.pack(">HBB3I", 0, 8, 3, 1, 2000, 28)), labels])
    two_parts = idx_files((IMAGES[:3], LABELS[:3]), (IMAGES[3:], LABELS[3:]))
    monkeypatch.setattr(idx, "MAX_IDX_BYTES", 5 * 784 - 1)
    with pytest.raises(ArchiveTooLarge, match="take 3,920 bytes, more than 3,919"):
        read(two_parts)
    monkeypatch.undo()
    monkeypatch.setattr(idx, "MAX_IDX_PICTURES", 4)
    with pytest.raises(ArchiveTooLarge, match="5 pictures, more than 4"):
        read(two_parts)


def test_gzip_bomb_is_not_unpacked_any_further_than_declared() -> None:
    bomb = gzip.compress(make_idx(IMAGES) + bytes(50 * 2**20))
    with pytest.raises(ArchiveRefused, match="has not the 3,920 bytes"):
        read([(IDX_NAMES[0], bomb), (IDX_NAMES[1], make_idx(LABELS))])


def with_file_name(packed: bytes, name: bytes) -> bytes:
    """The gzip file with this name in its head."""
    return packed[:3] + b"\x08" + packed[4:10] + name + b"\0" + packed[10:]


def test_reading_can_be_ended_between_two_chunks_also_inside_a_gzip_head() -> None:
    calls: list[None] = []

    def check() -> None:
        calls.append(None)
        if len(calls) > 2:
            raise LookupError("over")

    packed = with_file_name(gzip.compress(make_idx(IMAGES)), b"x" * 5 * 2**20)
    files = {IDX_NAMES[0]: packed, IDX_NAMES[1]: make_idx(LABELS)}
    assert len(read(list(files.items())).labels) == 5
    with pytest.raises(LookupError, match="over"):
        read_idx_files({name: io.BytesIO(content) for name, content in files.items()}, check)


def test_gzip_file_is_bounded_as_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "MAX_IDX_BYTES", 2**20)
    packed = with_file_name(gzip.compress(make_idx(IMAGES)), b"x" * 2**20)
    with pytest.raises(ArchiveTooLarge, match="more than 1,048,576 bytes"):
        read([(IDX_NAMES[0], packed), (IDX_NAMES[1], make_idx(LABELS))])


def test_gzip_file_of_several_members_is_refused() -> None:
    packed = gzip.compress(make_idx(IMAGES)) + gzip.compress(b"")
    with pytest.raises(ArchiveRefused, match="follows the packed content"):
        read([(IDX_NAMES[0], packed), (IDX_NAMES[1], make_idx(LABELS))])
