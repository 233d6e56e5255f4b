import io

import numpy as np
import pytest
from PIL import Image

from models.datasets.contents import Contents, read_contents
from models.errors import ArchiveRefused
from models.training.data import Dataset
from tests.uploads import idx_files, make_zip


def read(*files: tuple[str, bytes]) -> Contents:
    return read_contents([(name, io.BytesIO(content)) for name, content in files])


def test_the_nearest_folder_that_is_named_after_a_digit_counts() -> None:
    names = ["7/a.png", "mine/3/b.png", "2/telephone/c.png", "1\\d.png", "e.png", "12/f.png", "digits/g.png"]
    found = read(("digits.zip", make_zip({name: name.encode() for name in names})))
    assert {source.name: source.digit for source in found.sources} == {
        "7/a.png": 7, "mine/3/b.png": 3, "2/telephone/c.png": 2, "1\\d.png": 1,
    }  # fmt: skip
    assert {source.read() for source in found.sources} == {name.encode() for name in names[:4]}
    assert {each.name for each in found.rejected} == {"e.png", "12/f.png", "digits/g.png"}
    assert "no folder that is named after a digit" in found.rejected[0].reason


@pytest.mark.parametrize("name", ["3/train_images_1.png", "test_labels.csv", "3/train-images-idx3-ubyte"])
def test_name_that_looks_like_idx_does_not_hide_the_pictures(name: str) -> None:
    found = read(("digits.zip", make_zip({"7/a.png": b"x", "3/b.png": b"x", name: b"x"})))
    assert {source.name for source in found.sources} >= {"7/a.png", "3/b.png"}
    assert len(found.sources) + len(found.rejected) == 3


def test_idx_pictures_in_mnists_format_are_taken_as_they_are_and_others_seen(mnist: Dataset) -> None:
    images, labels = mnist.test.images[:20, 0].numpy().copy(), mnist.test.labels[:20].numpy()
    images[3] = np.roll(images[3], 5, axis=1)  # out of the middle
    for files in (
        idx_files((images, labels)),
        [("all.zip", make_zip(dict(idx_files((images, labels), is_packed=True))))],
    ):
        found = read(*files)
        assert len(found.images) == 19
        assert np.array_equal(found.images, np.delete(images, 3, axis=0))
        [source] = found.sources
        assert (source.name, source.digit) == ("train picture 3", int(labels[3]))
        assert np.array_equal(np.array(Image.open(io.BytesIO(source.read()))), images[3])


def test_idx_pictures_of_another_size_are_all_seen() -> None:
    found = read(*idx_files((np.zeros((3, 16, 16)), np.zeros(3)), (np.ones((1, 16, 16)), np.ones(1))))
    assert [(source.name, source.is_test) for source in found.sources] == [
        ("train picture 0", False), ("train picture 1", False), ("train picture 2", False), ("test picture 3", True),
    ]  # fmt: skip
    assert found.has_test


def test_damaged_idx_file_in_a_zip_is_refused() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)  # not made smaller by packing
    content = bytearray(make_zip(dict(idx_files((images, np.zeros(5))))))
    content[content.index(images.tobytes()[1000:1100])] ^= 1
    with pytest.raises(ArchiveRefused, match="is damaged: Bad CRC-32"):
        read(("all.zip", bytes(content)))


def test_what_is_neither_is_refused() -> None:
    archive, picture = make_zip({"7/a.png": b"x"}), ("a.png", b"\x89PNG")
    for files, words in [
        ([picture], "no zip archive"),
        ([("a.zip", archive), ("b.zip", archive)], "not several archives"),
        ([("a.zip", make_zip({}))], "holds no files"),
        ([picture, picture], "a name of its own"),
    ]:
        with pytest.raises(ArchiveRefused, match=words):
            read(*files)
