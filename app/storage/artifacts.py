"""What an artifact is, and what every store of artifacts can do."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.errors import ArtifactDamaged


@dataclass(frozen=True)
class Artifact:
    """What was stored: its name in the store, the sha256 of its bytes, their number."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Stored:
    """What lies in the store, named by a row or not: its name, size in bytes, and when it was written."""

    name: str
    size: int
    written_at: datetime


class Storage(Protocol):
    """A store of artifacts. Every call raises StorageUnavailable within seconds where the store is lost."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    def put(self, name: str, content: bytes) -> Artifact:
        """Store `content` under `name`, wholly or, with StorageFull or StorageUnavailable raised, not at all."""

    def get(self, name: str, *, sha256: str) -> bytes:
        """The bytes of `name`. Raises ArtifactDamaged where they are gone or not those that were stored."""

    def list(self) -> Iterator[Stored]:
        """Everything in the store, in no order; what was written or deleted meanwhile may be in it or not."""

    def delete(self, name: str) -> None:
        """Remove `name`; one that is gone already is no error."""

    def check(self) -> None:
        """Raise StorageUnavailable, StorageRefused or StorageFull unless the store can be used now. Cheap."""


def describe(name: str, content: bytes) -> Artifact:
    return Artifact(name, hashlib.sha256(content).hexdigest(), len(content))


def verified(name: str, content: bytes, *, sha256: str, place: str) -> bytes:
    """`content`, if it is what was stored. Raises ArtifactDamaged."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ArtifactDamaged(f"The artifact {name} in {place} is damaged: its sha256 has changed.")
    return content
