"""Artifacts: named, immutable byte strings (checkpoints, network files, curves), in a folder or an S3-compatible store.

A name appears only when its bytes are complete, is never used a second time, and is recorded in the database after
that; what is read is compared with the sha256 that was recorded.
"""

from app.storage.artifacts import Artifact, Storage, Stored
from app.storage.opening import open_storage, require_storage
from app.storage.watch import StorageWatch

__all__ = ["Artifact", "Storage", "StorageWatch", "Stored", "open_storage", "require_storage"]
