import os
import signal
import sys
import time

import pytest

from app.config import Settings
from app.errors import ArtifactDamaged, ConfigurationError, StorageRefused, StorageUnavailable
from app.storage import Storage, open_storage
from tests.s3 import NO_CREDENTIALS, Line, S3Server

LARGE = bytes(3_000_000)


def test_upload_that_dies_in_the_middle_leaves_the_name_as_it_was(s3_storage: Storage, line: Line) -> None:
    before = s3_storage.put("old", b"content")
    line.cut_after_bytes = 1_000_000
    for name in ("old", "new"):
        with pytest.raises(StorageUnavailable, match="could not be written"):
            s3_storage.put(name, LARGE)
    line.cut_after_bytes = None
    assert s3_storage.get("old", sha256=before.sha256) == b"content"
    with pytest.raises(ArtifactDamaged, match="gone"):
        s3_storage.get("new", sha256=before.sha256)
    assert s3_storage.get("new", sha256=s3_storage.put("new", LARGE).sha256) == LARGE


def test_server_that_is_away_is_said_at_once_and_is_used_again_when_back(s3_storage: Storage, line: Line) -> None:
    artifact = s3_storage.put("a", b"content")
    line.close()
    started = time.monotonic()
    for call in (
        s3_storage.check,
        lambda: s3_storage.put("b", b""),
        lambda: s3_storage.get("a", sha256=artifact.sha256),
        lambda: s3_storage.delete("a"),
        lambda: list(s3_storage.list()),
    ):
        with pytest.raises(StorageUnavailable) as caught:
            call()
        assert not isinstance(caught.value, StorageRefused | ArtifactDamaged)
    assert time.monotonic() - started < 20
    line.open()
    assert s3_storage.get("a", sha256=artifact.sha256) == b"content"


def test_server_that_hangs_is_given_up_within_seconds(
    s3_storage: Storage, s3_server: S3Server, request: pytest.FixtureRequest
) -> None:
    artifact = s3_storage.put("a", b"content")
    request.addfinalizer(lambda: s3_server.process.send_signal(signal.SIGCONT))
    s3_server.process.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(StorageUnavailable):
        s3_storage.get("a", sha256=artifact.sha256)
    assert time.monotonic() - started < 20
    s3_server.process.send_signal(signal.SIGCONT)
    assert s3_storage.get("a", sha256=artifact.sha256) == b"content"


def test_bucket_that_does_not_exist_is_refused(line: Line) -> None:
    storage = open_storage(Settings(storage_url="s3://no-such-bucket"))
    for call in (storage.check, lambda: storage.put("a", b""), lambda: storage.get("a", sha256="")):
        with pytest.raises(StorageRefused, match="no-such-bucket does not exist"):
            call()


def test_stores_with_different_prefixes_do_not_see_each_other(s3_server: S3Server, line: Line) -> None:
    bucket = s3_server.make_bucket()
    urls = (f"s3://{bucket}", f"s3://{bucket}/one", f"s3://{bucket}/one-more/")
    whole, one, more = (open_storage(Settings(storage_url=url)) for url in urls)
    for storage in (one, more):
        storage.put("a", b"")
    assert [[stored.name for stored in storage.list()] for storage in (one, more)] == [["a"], ["a"]]
    assert sorted(stored.name for stored in whole.list()) == ["one-more/a", "one/a"]


def test_store_without_credentials_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in NO_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="no credentials"):
        open_storage(Settings(storage_url="s3://bucket"))


@pytest.mark.parametrize("url", ["s3://", "s3:///prefix", "gs://bucket", "http://bucket", "s4://bucket"])
def test_address_that_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="NUMERAL_STORAGE_URL"):
        open_storage(Settings(storage_url=url))


def test_s3_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ConfigurationError, match=r"\.\[s3\]"):
        open_storage(Settings(storage_url="s3://bucket"))
