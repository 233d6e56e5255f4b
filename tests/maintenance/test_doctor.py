import json
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from app.config import Settings
from app.errors import ConfigurationError
from app.maintenance import doctor
from app.migrations.migrate import upgrade
from tests.cli.test_main import numeral
from tests.conftest import free_port, serve
from tests.fakes import RecordedNotifier
from tests.s3 import S3Server, credentials


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a data folder whose database is there."""
    settings = Settings(data_dir=tmp_path, port=free_port(), mnist_dir=None)
    upgrade(settings.resolved_database_url)
    return settings


def finding(settings: Settings, check: str) -> tuple[str, str]:
    found = next(finding for finding in doctor.diagnose(settings) if finding.check == check)
    return found.state, found.detail


def test_new_machine_has_no_fault(tmp_path: Path) -> None:
    found = numeral("doctor", "--port", str(free_port()), "--json", folder=tmp_path)
    states = {finding["check"]: finding["state"] for finding in json.loads(found.stdout)}
    assert (found.returncode, found.stderr) == (0, "")
    assert list(states) == ["folder", "database", "broker", "storage", "data", "device", "disk", "clock", "port"]
    assert [states[name] for name in ("database", "broker", "storage", "data")] == ["note"] * 4
    assert list(tmp_path.iterdir()) == []


def test_fault_is_said_with_what_to_do_and_exit_code_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        found = numeral("doctor", "--port", str(taken.getsockname()[1]), folder=tmp_path)
    assert found.returncode == 1
    lines = [line for line in found.stdout.splitlines() if line.startswith("failed")]
    assert len(lines) == 1
    assert "give another --port" in lines[0]


def test_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    state, detail = finding(Settings(data_dir=tmp_path / "file" / "data"), "folder")
    assert state == "failed"
    assert f"{tmp_path / 'file'}: it is no folder" in detail
    state, detail = finding(Settings(data_dir=Path("/proc/data")), "folder")  # even root cannot
    assert state == "failed"
    assert "because of /proc: " in detail
    assert finding(Settings(data_dir=tmp_path / "new" / "data"), "folder")[0] == "ok"


def test_database_that_can_be_used_is_ok_on_both_kinds(database_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url)
    assert finding(settings, "database")[0] == "ok"
    assert finding(settings, "clock")[0] == "ok"


def test_database_that_is_away_of_another_schema_or_read_only_fails(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:9/none"})
    assert finding(away, "database")[0] == "failed"
    assert finding(away, "clock")[0] == "failed"
    malformed = settings.model_copy(update={"database_url": "mysql://here"})
    assert finding(malformed, "database")[0] == "failed"
    locked = sqlite3.connect(settings.data_dir / "numeral.db", isolation_level=None)
    locked.execute("UPDATE alembic_version SET version_num = '0000'")
    state, detail = finding(settings, "database")
    assert (state, "numeral migrate" in detail) == ("failed", True)
    locked.close()


def test_database_that_somebody_keeps_locked_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sqlite.BUSY_SECONDS", 0.2)
    other = sqlite3.connect(settings.data_dir / "numeral.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    state, detail = finding(settings, "database")
    other.close()
    assert (state, "locked" in detail) == ("failed", True)


def test_broker_that_was_configured_and_does_not_answer_fails(settings: Settings) -> None:
    for url in ("redis://127.0.0.1:9", "nonsense://x"):
        state, detail = finding(settings.model_copy(update={"redis_url": url}), "broker")
        assert (state, "NUMERAL_REDIS_URL" in detail) == ("failed", True)


def test_storage_that_is_refused_or_away_fails(
    settings: Settings, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finding(settings.model_copy(update={"storage_url": "/proc"}), "storage")[0] == "failed"
    for endpoint, words in ((s3_server.url, "does not exist"), ("http://127.0.0.1:9", "could not be")):
        for name, value in credentials(endpoint).items():
            monkeypatch.setenv(name, value)
        state, detail = finding(settings.model_copy(update={"storage_url": "s3://nowhere"}), "storage")
        assert (state, words in detail) == ("failed", True), detail
    for name, value in credentials(s3_server.url).items():
        monkeypatch.setenv(name, value)
    there = settings.model_copy(update={"storage_url": f"s3://{s3_server.make_bucket()}"})
    assert finding(there, "storage")[0] == "ok"


def test_storage_check_leaves_nothing_behind(settings: Settings) -> None:
    assert finding(settings, "storage")[0] == "note"
    assert not (settings.data_dir / "artifacts").exists()
    (settings.data_dir / "artifacts").mkdir()
    assert finding(settings, "storage")[0] == "ok"
    assert [path for path in (settings.data_dir / "artifacts").rglob("*") if path.is_file()] == []


def test_data_is_looked_for_in_both_folders(settings: Settings, tmp_path: Path) -> None:
    state, detail = finding(settings, "data")
    assert (state, str(tmp_path / "MNIST" / "raw") in detail) == ("note", True)
    raw = tmp_path / "elsewhere" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    names = [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ]
    for name in names[:3]:
        (raw / name).touch()
    elsewhere = settings.model_copy(update={"mnist_dir": tmp_path / "elsewhere"})
    assert "t10k-labels-idx1-ubyte" in finding(elsewhere, "data")[1]
    (raw / names[3]).touch()
    assert finding(elsewhere, "data")[0] == "ok"


def test_too_little_room_fails(settings: Settings) -> None:
    assert "free in" in doctor.check_disk(settings)
    with pytest.raises(ConfigurationError, match="numeral gc"):
        doctor.check_disk(settings, min_bytes=10**18)


@pytest.mark.parametrize(("hours", "word"), [(2, "ahead of"), (-2, "behind")])
def test_clock_two_hours_off_fails(settings: Settings, hours: int, word: str) -> None:
    with pytest.raises(ConfigurationError, match=f"7,200 s {word}"):
        doctor.check_clock(settings, now=lambda: datetime.now(UTC) + timedelta(hours=hours))


def test_port_of_this_service_is_told_from_that_of_another(settings: Settings, other_server: int) -> None:
    assert finding(settings, "port")[0] == "ok"
    with serve(settings, RecordedNotifier()) as client:
        client.get("/livez")
        assert finding(settings, "port") == ("ok", f"Numeral serves at {settings.url} and is ready")
    state, detail = finding(settings.model_copy(update={"port": other_server}), "port")
    assert (state, "give another --port" in detail) == ("failed", True)
    state, detail = finding(settings.model_copy(update={"host": "300.1.1.1"}), "port")
    assert (state, "give another --host" in detail) == ("failed", True)


def test_service_that_is_not_ready_fails_with_its_reason(settings: Settings) -> None:
    os.remove(settings.data_dir / "numeral.db")
    with serve(settings, RecordedNotifier()) as client:
        client.get("/livez")
        state, detail = finding(settings, "port")
    assert (state, "is not ready" in detail, "numeral migrate" in detail) == ("failed", True, True)


@pytest.fixture
def other_server() -> Iterator[int]:
    """The port of a server that is not Numeral."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()
