"""Artifacts: named, immutable byte strings (checkpoints, network files, curves), in a folder or an S3-compatible store.

A store shows a name only when all its bytes are there, and a name is used once. The database records the name and the
sha256 after that; every read is checked against that sha256.
"""

from app.storage.artifacts import Artifact, Storage, Stored
from app.storage.opening import open_storage, require_storage
from app.storage.watch import StorageWatch

__all__ = ["Artifact", "Storage", "StorageWatch", "Stored", "open_storage", "require_storage"]
