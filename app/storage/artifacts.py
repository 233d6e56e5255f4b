"""What an artifact is, and what every artifact store can do."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BufferedRandom
from typing import BinaryIO, Protocol

from app.errors import ArtifactDamaged

CHUNK_BYTES = 2**18  # that a reader returns at once


@dataclass(frozen=True)
class Artifact:
    """What was stored: the name, the sha256 of the bytes, and their number."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Stored:
    """An entry of the store, whether or not a database row names it."""

    name: str
    size: int  # bytes
    written_at: datetime


class ArtifactReader(Protocol):
    """An open artifact, to be read in pieces and closed."""

    @property
    def size(self) -> int:
        """Its bytes."""

    def chunks(self) -> Iterator[bytes]:
        """Yields all bytes, at most CHUNK_BYTES at a time, unverified. Raises StorageUnavailable, ArtifactDamaged."""

    def local_file(self) -> BinaryIO | None:
        """Returns a file of this machine that holds the bytes, if there is one. The caller closes it."""

    def close(self) -> None:
        """Release what the reader holds."""


class Storage(Protocol):
    """An artifact store. Every call raises StorageUnavailable within seconds if the store does not answer."""

    @property
    def place(self) -> str:
        """Where the store is, for messages."""

    def put(self, name: str, content: bytes) -> Artifact:
        """Store all of `content` under `name`. Raises StorageFull or StorageUnavailable, and then stores nothing."""

    def put_file(self, name: str, write: Callable[[BinaryIO], None]) -> Artifact:
        """Store what `write` writes into a seekable file, without holding it in memory; raises as `put` does."""

    def open(self, name: str) -> ArtifactReader:
        """Open `name` to read it in pieces; reading.py verifies them. Raises ArtifactDamaged if it is missing."""

    def get(self, name: str, *, sha256: str) -> bytes:
        """Returns the bytes of `name`. Raises ArtifactDamaged if they are missing or have changed."""

    def list(self) -> Iterator[Stored]:
        """All entries, unordered; those written or deleted during the call may or may not be among them."""

    def delete(self, name: str) -> None:
        """Remove `name`, if it exists."""

    def check(self) -> None:
        """Raise StorageUnavailable, StorageRefused or StorageFull unless the store can be used now. A cheap call."""


def describe(name: str, content: bytes) -> Artifact:
    return Artifact(name, hashlib.sha256(content).hexdigest(), len(content))


def describe_file(name: str, file: BufferedRandom) -> Artifact:
    """Describes the artifact that the whole of `file` is; leaves the file at its end."""
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Artifact(name, sha256, file.tell())


def verified(name: str, content: bytes, *, sha256: str, place: str) -> bytes:
    """Returns `content` if its sha256 is the recorded one. Raises ArtifactDamaged otherwise."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise damaged(name, place)
    return content


def damaged(name: str, place: str) -> ArtifactDamaged:
    return ArtifactDamaged(f"The artifact {name} in {place} is damaged: its sha256 has changed.")
