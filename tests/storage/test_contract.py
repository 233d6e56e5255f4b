"""What every store promises, on a folder and on a real S3 server."""

import os
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from app.errors import ArtifactDamaged
from app.storage import CHUNK_BYTES, Storage, open_local, verified_chunks


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


@pytest.mark.parametrize("size", [0, 10, CHUNK_BYTES, 5 * CHUNK_BYTES + 1, 10 * CHUNK_BYTES])
def test_artifact_comes_in_chunks_of_bounded_size(any_storage: Storage, size: int, tmp_path: Path) -> None:
    content = random.Random(0).randbytes(size)
    artifact = any_storage.put("a/b", content)
    with closing(any_storage.open("a/b")) as reader:
        assert reader.size == size
        chunks = list(verified_chunks(reader, "a/b", sha256=artifact.sha256, place=any_storage.place))
    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= CHUNK_BYTES
    with open_local(any_storage, "a/b", sha256=artifact.sha256, scratch=tmp_path) as file:
        file.seek(0)
        assert file.read() == content
        assert os.pread(file.fileno(), 5, 3) == content[3:8]


@pytest.mark.parametrize("wrong", ["longer", "shorter", "altered"])
def test_last_chunk_of_a_damaged_artifact_does_not_come(any_storage: Storage, wrong: str, tmp_path: Path) -> None:
    content = random.Random(0).randbytes(3 * CHUNK_BYTES)
    artifact = any_storage.put("a", content)
    any_storage.put("a", {"longer": content + b"x", "shorter": content[:-1], "altered": b"x" + content[1:]}[wrong])
    received: list[bytes] = []
    with closing(any_storage.open("a")) as reader, pytest.raises(ArtifactDamaged):
        received.extend(verified_chunks(reader, "a", sha256=artifact.sha256, place=any_storage.place))
    assert sum(map(len, received)) < reader.size
    with pytest.raises(ArtifactDamaged):
        open_local(any_storage, "a", sha256=artifact.sha256, scratch=tmp_path)
    with pytest.raises(ArtifactDamaged):
        any_storage.open("missing")
