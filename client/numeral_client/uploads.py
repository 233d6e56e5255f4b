"""Data sets on disk as the files of an upload."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from numeral_client.display import ProgressBar

DatasetSource = str | os.PathLike[str] | Sequence[Any]  # a folder, a zip, or IDX files


@contextmanager
def opened(source: DatasetSource, *, progress: bool | None = None) -> Iterator[list[tuple[str, BinaryIO]]]:
    """The files to send: a folder of <digit>/<picture> becomes a zip, which goes with the block.

    Raises OSError, and ValueError for a folder without digits or no files.
    """
    paths = [Path(source)] if isinstance(source, (str, os.PathLike)) else [Path(path) for path in source]
    if not paths:
        raise ValueError("there is no file to upload: give a folder of <digit>/<picture>, a zip, or IDX files")
    with ExitStack() as stack:
        if len(paths) == 1 and paths[0].is_dir():
            archive = stack.enter_context(tempfile.TemporaryFile())
            _pack(paths[0], archive)
            found: list[tuple[str, Any]] = [(f"{paths[0].resolve().name}.zip", archive)]
        else:
            found = [(path.name, stack.enter_context(path.open("rb"))) for path in paths]
        bar = ProgressBar(is_shown=progress)
        stack.callback(bar.close)
        yield [(name, cast(BinaryIO, _Watched(file, bar))) for name, file in found]


class _Watched:
    """A file that shows how much of it was read."""

    def __init__(self, file: BinaryIO, bar: ProgressBar) -> None:
        self._file, self._bar = file, bar
        self._total_kb = os.fstat(file.fileno()).st_size // 1000

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._bar.show(self._file.tell() // 1000, self._total_kb, "kB")
        return content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _pack(folder: Path, archive: BinaryIO) -> None:
    """Zip the pictures in the folders 0 to 9 of a folder, at any depth. Stored, since pictures are compressed."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    names = [path.relative_to(folder) for path in files]
    if not any(part in set("0123456789") for name in names for part in name.parts[:-1]):
        raise ValueError(f"{folder} has no folders 0 to 9 with pictures in them")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for path, name in zip(files, names):  # noqa: B905 (Python 3.10)
            packed.write(path, name)
    archive.seek(0)
