"""Labelled pictures in MNIST's format, as they are stored: an .npz file of images, labels and splits."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetUnusable

SPLITS = ("train", "validation", "test")
SPLIT_SHARE = 0.15  # of the pictures of each digit, for the validation set and for the test set
MIN_PICTURES_PER_DIGIT = 3  # one for each split
MIN_DIGITS = 2  # that have so many


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures, bright ink on dark, with their digits, each in one of SPLITS."""

    images: NDArray[np.uint8]  # (count, 28, 28)
    labels: NDArray[np.uint8]  # (count,)
    splits: NDArray[np.uint8]  # (count,): indices of SPLITS

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures there are of each digit."""
        return _count(self.labels)

    @property
    def split_sizes(self) -> dict[str, int]:
        return {name: int((self.splits == number).sum()) for number, name in enumerate(SPLITS)}


def split(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], is_test: NDArray[np.bool_] | None = None
) -> LabelledPictures:
    """Put each picture into a split: the same pictures always into the same one, whatever their order.

    The pictures of each digit are ordered by their sha256; the first 15 % are the test set, the next 15 % the
    validation set, at least one each where the digit has three. `is_test` names the test set if there is one already.
    Equal pictures stay together, whatever their digits, so that no picture is trained on and tested, too; of those that
    are also in a test set that is there, see `find_tested`.
    """
    splits = np.zeros(len(labels), np.uint8)
    digests = _digest(images)
    if is_test is not None:
        splits[is_test] = SPLITS.index("test")
    places: dict[bytes, int] = {}  # the split of each picture, by its digest
    for digit in range(10):
        left = np.flatnonzero((labels == digit) & (splits == 0)).tolist()
        order = sorted(left, key=digests.__getitem__)
        validations = share_of_split(len(order))
        tests = 0 if is_test is not None else validations
        for position, index in enumerate(order):
            name = "test" if position < tests else "validation" if position < tests + validations else "train"
            splits[index] = places.setdefault(digests[index], SPLITS.index(name))
    return LabelledPictures(images, labels, splits)


def find_tested(images: NDArray[np.uint8], is_test: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the pictures that are not in the test set are equal to one that is."""
    digests = _digest(images)
    tested = {digests[index] for index in np.flatnonzero(is_test).tolist()}
    return np.array([digest in tested for digest in digests], np.bool_) & ~is_test


def share_of_split(count: int) -> int:
    """How many of the pictures of one digit are in the validation set, and as many in the test set."""
    return max(1, round(SPLIT_SHARE * count)) if count >= MIN_PICTURES_PER_DIGIT else 0


def require_trainable(name: str, counts: Mapping[str, int], split_sizes: Mapping[str, int]) -> None:
    """Raise DatasetUnusable for an empty data set, one of a single digit, and one without pictures for each split."""
    total, digits = sum(counts.values()), [digit for digit, count in counts.items() if count]
    if not total:
        raise DatasetUnusable(f"The data set {name!r} is empty.")
    if len(digits) == 1:
        raise DatasetUnusable(
            f"The data set {name!r} holds pictures of the digit {digits[0]} only; a network can learn nothing from "
            "that. Add pictures of other digits."
        )
    known = [digit for digit, count in counts.items() if count >= MIN_PICTURES_PER_DIGIT]
    if len(known) < MIN_DIGITS or not all(split_sizes.values()):
        raise DatasetUnusable(
            f"The data set {name!r} is too small: it needs {MIN_PICTURES_PER_DIGIT} pictures or more of at least "
            f"{MIN_DIGITS} digits, to train, validate and test with."
        )


def write_npz(pictures: LabelledPictures, file: BinaryIO) -> None:
    np.savez_compressed(
        file, allow_pickle=False, images=pictures.images, labels=pictures.labels, splits=pictures.splits
    )


def read_npz(content: bytes) -> LabelledPictures:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return LabelledPictures(arrays["images"], arrays["labels"], arrays["splits"])


def read_labels(content: bytes) -> NDArray[np.uint8]:
    """Returns the labels alone, without unpacking the pictures."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        labels: NDArray[np.uint8] = arrays["labels"]
        return labels


def _count(labels: NDArray[np.uint8]) -> dict[str, int]:
    return {str(digit): count for digit, count in enumerate(np.bincount(labels, minlength=10).tolist())}


def _digest(images: NDArray[np.uint8]) -> list[bytes]:
    return [hashlib.sha256(image.tobytes()).digest() for image in images]
