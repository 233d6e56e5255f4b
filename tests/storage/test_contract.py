"""What every store promises, on a folder and on a real S3 server."""

from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import pytest

from app.errors import ArtifactDamaged
from app.storage import Storage


def test_what_is_put_can_be_got(any_storage: Storage) -> None:
    artifact = any_storage.put("a/b/c.bin", b"content")
    assert (artifact.name, artifact.size) == ("a/b/c.bin", 7)
    assert any_storage.get("a/b/c.bin", sha256=artifact.sha256) == b"content"


def test_large_artifact_comes_back_whole(any_storage: Storage) -> None:
    content = bytes(range(256)) * 50_000
    assert any_storage.get("large", sha256=any_storage.put("large", content).sha256) == content


def test_file_that_is_written_in_pieces_comes_back_whole(any_storage: Storage) -> None:
    def write(file: BinaryIO) -> None:
        for _ in range(40):
            file.write(bytes(range(256)) * 1000)
        file.seek(0)
        file.write(b"head")  # a zip file does so

    artifact = any_storage.put_file("a/large", write)
    content = any_storage.get("a/large", sha256=artifact.sha256)
    assert len(content) == artifact.size == 10_240_000
    assert content[:6] == b"head\x04\x05"


def test_altered_truncated_and_missing_artifacts_are_found(any_storage: Storage) -> None:
    artifact = any_storage.put("a", b"content")
    for wrong in (b"c0ntent", b"conten", b""):
        any_storage.put("a", wrong)
        with pytest.raises(ArtifactDamaged, match="damaged"):
            any_storage.get("a", sha256=artifact.sha256)
    with pytest.raises(ArtifactDamaged, match="gone"):
        any_storage.get("b/c", sha256=artifact.sha256)


def test_everything_in_the_store_is_listed_with_size_and_time(any_storage: Storage) -> None:
    assert list(any_storage.list()) == []
    for name, content in (("a/b", b"12345"), ("a/c/d", b""), ("e", b"1")):
        any_storage.put(name, content)
    found = {stored.name: stored for stored in any_storage.list()}
    assert {name: stored.size for name, stored in found.items()} == {"a/b": 5, "a/c/d": 0, "e": 1}
    assert all(abs(datetime.now(UTC) - stored.written_at) < timedelta(minutes=1) for stored in found.values())


def test_deleted_artifact_is_gone_and_may_be_deleted_again(any_storage: Storage) -> None:
    artifact = any_storage.put("a/b", b"content")
    any_storage.put("a/c", b"other")
    for _ in range(2):
        any_storage.delete("a/b")
    with pytest.raises(ArtifactDamaged, match="gone"):
        any_storage.get("a/b", sha256=artifact.sha256)
    assert [stored.name for stored in any_storage.list()] == ["a/c"]


def test_usable_store_passes_its_check_and_keeps_nothing_of_it(any_storage: Storage) -> None:
    any_storage.check()
    assert list(any_storage.list()) == []
