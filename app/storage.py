"""Artifacts: named, immutable byte strings (checkpoints, network files) in a local folder.

A name appears only when its bytes are complete and on disk: written beside, synced, renamed.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from app.errors import ConfigurationError, StorageFull, StorageUnavailable


@dataclass(frozen=True)
class Artifact:
    """What was stored: its name in the store, the sha256 of its bytes, their number."""

    name: str
    sha256: str
    size: int


class Storage:
    """A folder of artifacts. Raises ConfigurationError where it cannot be made or is not writable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"The artifact folder {folder} cannot be made: {error.strerror}.") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigurationError(f"The artifact folder {folder} is not writable.")

    def put(self, name: str, content: bytes) -> Artifact:
        """Store `content` under `name`. Raises StorageFull, StorageUnavailable; then the name is as it was."""
        target = self.folder / name
        part = target.with_name(f".{target.name}.{uuid4().hex}.part")
        with self._translated("written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with part.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(part, target)
                _sync_folder(target.parent)
            finally:
                part.unlink(missing_ok=True)
        return Artifact(name, hashlib.sha256(content).hexdigest(), len(content))

    def get(self, name: str, *, sha256: str) -> bytes:
        """The bytes of `name`. Raises StorageUnavailable where they are gone or not those that were stored."""
        with self._translated("read"):
            content = (self.folder / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StorageUnavailable(f"The artifact {name} in {self.folder} is damaged: its sha256 has changed.")
        return content

    def delete(self, name: str) -> None:
        """Remove `name`; nothing happens where it is gone already. Raises StorageUnavailable."""
        with self._translated("removed"):
            (self.folder / name).unlink(missing_ok=True)

    @contextmanager
    def _translated(self, action: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull(f"The disk of the artifact folder {self.folder} is full; free some space.") from error
            raise StorageUnavailable(
                f"An artifact in {self.folder} could not be {action}: {error.strerror or error}."
            ) from error


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
