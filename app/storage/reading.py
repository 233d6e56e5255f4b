"""Artifacts that are read in pieces: of any size, at a few megabytes of memory. Each is checked against its sha256."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import BinaryIO

from app.errors import StorageFull
from app.storage.artifacts import ArtifactReader, Storage, damaged


def verified_chunks(reader: ArtifactReader, name: str, *, sha256: str, place: str) -> Iterator[bytes]:
    """Yields the chunks of `reader`. Raises ArtifactDamaged in place of the last one if the sha256 is another."""
    digest, last = hashlib.sha256(), b""
    for chunk in reader.chunks():
        if last:
            yield last
        digest.update(chunk)
        last = chunk
    if digest.hexdigest() != sha256:
        raise damaged(name, place)
    yield last


def open_local(storage: Storage, name: str, *, sha256: str, scratch: Path) -> BinaryIO:
    """Returns the artifact as a file on this machine, verified: its own, or an unnamed copy in the folder `scratch`.

    Raises ArtifactDamaged, StorageUnavailable, StorageFull.
    """
    with closing(storage.open(name)) as reader, ExitStack() as undo:
        chunks = verified_chunks(reader, name, sha256=sha256, place=storage.place)
        own = reader.local_file()
        file = own or tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - the caller closes it
        undo.callback(file.close)
        for chunk in chunks:
            if own is None:
                _write(file, chunk, scratch)
        undo.pop_all()
        return file


def _write(file: BinaryIO, chunk: bytes, scratch: Path) -> None:
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise StorageFull(f"The folder {scratch} has no space for a copy of the artifact: {error.strerror}.") from error
