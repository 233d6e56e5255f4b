"""Finds the labelled pictures in what a user uploads: a zip of pictures, a zip of IDX files, or IDX files."""

import io
import zipfile
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.datasets.archives import open_archive, open_file, path_of, read_picture, show_name
from models.datasets.idx import IdxPictures, is_idx_name, read_idx_files
from models.errors import ArchiveRefused
from models.pictures.mnist_format import SIDE, find_mnist

ZIP_HEADS = (b"PK\x03\x04", b"PK\x05\x06")  # the second: of an archive without files


class Source(NamedTuple):
    """A picture that is still to be decoded and normalised."""

    name: str
    digit: int
    is_test: bool
    read: Callable[[], bytes]  # raises PictureRefused


class Rejected(NamedTuple):
    """A file that is not part of the data set, and why."""

    name: str
    reason: str


class Contents(NamedTuple):
    """What an upload holds."""

    images: NDArray[np.uint8]  # (count, 28, 28): those that are in MNIST's format already
    labels: NDArray[np.uint8]  # (count,)
    is_test: NDArray[np.bool_]  # (count,)
    names: list[str]  # of these
    sources: list[Source]  # the others
    rejected: list[Rejected]
    has_test: bool  # whether the upload says which pictures are the test set


def read_contents(files: list[tuple[str, BinaryIO]], check: Callable[[], None] = lambda: None) -> Contents:
    """Find the pictures in one zip archive, or in two or four IDX files, given with their names.

    `check` is called between the chunks of IDX files; what it raises ends the reading. Raises ArchiveRefused,
    ArchiveTooLarge.
    """
    heads = [_read_head(file) for _, file in files]
    if len(files) == 1 and heads[0] in ZIP_HEADS:
        return _read_zip(files[0][1], check)
    if any(head in ZIP_HEADS for head in heads):
        raise ArchiveRefused("Send one zip archive, or the IDX files, not several archives.")
    if len(files) == 1:
        raise ArchiveRefused(
            "The file is no zip archive. Send a zip of folders 0 to 9 with pictures in them, or IDX files."
        )
    if len({name for name, _ in files}) < len(files):
        raise ArchiveRefused("Each IDX file must have a name of its own in the form.")
    return _from_idx(read_idx_files(dict(files), check), [])


def _read_head(file: BinaryIO) -> bytes:
    head = file.read(4)
    file.seek(0)
    return head


def _read_zip(file: BinaryIO, check: Callable[[], None]) -> Contents:
    archive, entries = open_archive(file)
    if not entries:
        raise ArchiveRefused("The archive holds no files. Put the pictures into folders 0 to 9, and pack those.")
    idx_entries = [entry for entry in entries if is_idx_name(path_of(entry))]
    if idx_entries and all(_find_digit(entry) is None for entry in entries):
        others = [
            Rejected(show_name(entry.filename), "It is none of the four IDX files.")
            for entry in entries
            if not is_idx_name(path_of(entry))
        ]
        idx_files = {path_of(entry): open_file(archive, entry) for entry in idx_entries}
        return _from_idx(read_idx_files(idx_files, check), others)
    sources, rejected = list[Source](), list[Rejected]()
    for entry in entries:
        name, digit = show_name(entry.filename), _find_digit(entry)
        if digit is None:
            rejected.append(Rejected(name, "It lies in no folder that is named after a digit, 0 to 9."))
        else:
            sources.append(Source(name, digit, False, partial(read_picture, archive, entry)))
    nothing = np.zeros((0, SIDE, SIDE), np.uint8)
    return Contents(nothing, np.zeros(0, np.uint8), np.zeros(0, np.bool_), [], sources, rejected, False)


def _find_digit(entry: zipfile.ZipInfo) -> int | None:
    """The digit that the nearest folder around the file is named after."""
    folders = path_of(entry).split("/")[:-1]
    return next((int(folder) for folder in reversed(folders) if folder in "0123456789" and len(folder) == 1), None)


def _from_idx(found: IdxPictures, rejected: list[Rejected]) -> Contents:
    """Pictures of 28x28 pixels in MNIST's format are taken as they are, all others go through the eye."""
    is_ready = np.zeros(len(found.images), np.bool_)
    if found.images.shape[1:] == (SIDE, SIDE):
        is_ready = find_mnist(found.images)
    names = [f"{'test' if is_test else 'train'} picture {number}" for number, is_test in enumerate(found.is_test)]
    sources = [
        Source(
            names[number],
            int(found.labels[number]),
            bool(found.is_test[number]),
            partial(_encode, found.images[number]),
        )
        for number in np.flatnonzero(~is_ready).tolist()
    ]
    ready = slice(None) if is_ready.all() else is_ready  # a slice copies nothing
    return Contents(
        found.images[ready],
        found.labels[ready],
        found.is_test[ready],
        [names[number] for number in np.flatnonzero(is_ready).tolist()],
        sources,
        rejected,
        found.has_test,
    )


def _encode(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()
