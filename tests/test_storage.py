import errno
import os
from pathlib import Path

import pytest

from app.config import Settings
from app.errors import ConfigurationError, StorageFull, StorageUnavailable
from app.storage import Storage


def test_what_is_put_can_be_got(storage: Storage) -> None:
    artifact = storage.put("a/b/c.bin", b"content")
    assert (artifact.name, artifact.size) == ("a/b/c.bin", 7)
    assert storage.get("a/b/c.bin", sha256=artifact.sha256) == b"content"


def test_damaged_and_missing_artifacts_are_told_apart_from_good_ones(storage: Storage) -> None:
    artifact = storage.put("a", b"content")
    (storage.folder / "a").write_bytes(b"c0ntent")
    with pytest.raises(StorageUnavailable, match="damaged"):
        storage.get("a", sha256=artifact.sha256)
    with pytest.raises(StorageUnavailable, match="could not be read"):
        storage.get("b", sha256=artifact.sha256)


def test_full_disk_leaves_the_name_as_it_was_and_nothing_behind(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = storage.put("a", b"old")

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageFull):
        storage.put("a", b"new")
    assert storage.get("a", sha256=before.sha256) == b"old"
    assert [path.name for path in storage.folder.iterdir()] == ["a"]


def test_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        Storage(tmp_path / "file" / "below")
    with pytest.raises(ConfigurationError, match="folder only"):
        _ = Settings(storage_url="s3://bucket").storage_dir
