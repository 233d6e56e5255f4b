"""Artifacts in a folder. Each is written to a temporary file, synced and renamed: a name is complete or absent."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from app.errors import ArtifactDamaged, ConfigurationError, StorageFull, StorageUnavailable
from app.storage.artifacts import CHUNK_BYTES, Artifact, Stored, describe_file, verified


class FolderStorage:
    """A folder of artifacts. Raises ConfigurationError if it cannot be created or written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"The artifact folder {folder} cannot be made: {error.strerror}. "
                "Give another one with NUMERAL_STORAGE_URL or --data-dir."
            ) from error
        try:
            self.check()
        except StorageUnavailable as error:
            raise ConfigurationError(
                f"{error} Give this user the right to write there, or another folder with NUMERAL_STORAGE_URL."
            ) from error
        except StorageFull:
            pass  # artifacts can still be read; /readyz reports the full disk until there is space

    @property
    def place(self) -> str:
        return str(self.folder)

    def put(self, name: str, content: bytes) -> Artifact:
        def write(file: BinaryIO) -> None:
            file.write(content)

        return self.put_file(name, write)

    def put_file(self, name: str, write: Callable[[BinaryIO], None]) -> Artifact:
        target = self.folder / name
        part = target.with_name(f".{target.name}.{uuid4().hex}.part")
        self._require_folder()  # do not create the folder of an unmounted disk on another disk
        with self._translated_errors("written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with part.open("w+b") as file:
                    write(file)
                    file.flush()
                    os.fsync(file.fileno())
                    stored = describe_file(name, file)
                os.replace(part, target)
                _sync_folder(target.parent)
            finally:
                part.unlink(missing_ok=True)
        return stored

    def open(self, name: str) -> "FileReader":
        self._require_folder()
        try:
            with self._translated_errors("read"):
                return FileReader((self.folder / name).open("rb", buffering=0), self._translated_errors)
        except StorageUnavailable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise ArtifactDamaged(f"The artifact {name} is gone from {self.folder}.") from error
            raise

    def get(self, name: str, *, sha256: str) -> bytes:
        with closing(self.open(name)) as reader:
            content = b"".join(reader.chunks())
        return verified(name, content, sha256=sha256, place=self.place)

    def list(self) -> Iterator[Stored]:
        self._require_folder()
        with self._translated_errors("listed"):
            for path, _, files in os.walk(self.folder):
                for file in files:
                    with contextlib.suppress(FileNotFoundError):  # renamed or removed since
                        found = os.stat(os.path.join(path, file))
                        name = str(Path(path, file).relative_to(self.folder))
                        yield Stored(name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def delete(self, name: str) -> None:
        self._require_folder()
        target = self.folder / name
        with self._translated_errors("deleted"):
            target.unlink(missing_ok=True)

    def check(self) -> None:
        self._require_folder()
        probe = self.folder / f".check.{uuid4().hex}.part"
        with self._translated_errors("written"):
            try:
                probe.write_bytes(b"can something be written here?")
            finally:
                probe.unlink(missing_ok=True)

    def _require_folder(self) -> None:
        if not self.folder.is_dir():
            raise StorageUnavailable(f"The artifact folder {self.folder} is gone; mount it or put it back.")

    @contextmanager
    def _translated_errors(self, action: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull(f"The disk of the artifact folder {self.folder} is full; free some space.") from error
            raise StorageUnavailable(
                f"An artifact in {self.folder} could not be {action}: {error.strerror or error}."
            ) from error


class FileReader:
    """An open artifact of a folder."""

    def __init__(self, file: BinaryIO, translated_errors: Callable[[str], AbstractContextManager[None]]) -> None:
        self._file, self._translated_errors = file, translated_errors
        self.size = os.fstat(file.fileno()).st_size

    def chunks(self) -> Iterator[bytes]:
        while True:
            with self._translated_errors("read"):
                chunk = self._file.read(CHUNK_BYTES)
            if not chunk:
                return
            yield chunk

    def local_file(self) -> BinaryIO:
        return os.fdopen(os.dup(self._file.fileno()), "rb", buffering=0)

    def close(self) -> None:
        self._file.close()


def _sync_folder(folder: Path) -> None:
    """Sync `folder`, so that a rename in it survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
