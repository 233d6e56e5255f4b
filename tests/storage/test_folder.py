import errno
import os
from pathlib import Path

import pytest

from app.errors import ConfigurationError, StorageFull, StorageUnavailable
from app.storage.folder import FolderStorage


def test_full_disk_leaves_the_name_as_it_was_and_nothing_behind(
    storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
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
        FolderStorage(tmp_path / "file" / "below")
    with pytest.raises(ConfigurationError, match="the right to write"):
        FolderStorage(Path("/proc"))  # not even root can make a file there


def test_folder_that_was_unmounted_is_not_made_again(storage: FolderStorage, tmp_path: Path) -> None:
    artifact = storage.put("a", b"content")
    away = storage.folder.rename(tmp_path / "away")
    for call in (
        storage.check,
        lambda: storage.put("b", b""),
        lambda: storage.get("a", sha256=artifact.sha256),
        lambda: storage.delete("a"),
        lambda: list(storage.list()),
    ):
        with pytest.raises(StorageUnavailable, match="is gone; mount it"):
            call()
    away.rename(storage.folder)
    assert storage.get("a", sha256=artifact.sha256) == b"content"
