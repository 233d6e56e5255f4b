"""Artifacts: named, immutable byte strings (checkpoints, network files, curves), in a folder or an S3-compatible store.

A store shows a name only when all its bytes are there, and a name is used once. The database records the name and the
sha256 after that; every read is checked against that sha256.
"""

from app.storage.artifacts import CHUNK_BYTES, Artifact, ArtifactReader, Storage, Stored
from app.storage.opening import open_storage, require_storage
from app.storage.reading import open_local, verified_chunks
from app.storage.watch import StorageWatch

__all__ = [
    "CHUNK_BYTES", "Artifact", "ArtifactReader", "Storage", "StorageWatch", "Stored", "open_local", "open_storage",
    "require_storage", "verified_chunks",
]  # fmt: skip
