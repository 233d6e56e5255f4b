"""/readyz says whether predictions and jobs can be taken, whatever happened to the database's file."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from app.config import Settings
from app.database_watch import MAX_SHARE, DatabaseWatch
from app.db import Sessions
from app.errors import DatabaseUnavailable
from app.jobs import runs, service
from app.jobs.specs import BackpropSweepSpec
from app.jobs.watch import JobsWatch
from app.migrations.migrate import upgrade
from tests.fakes import RecordedNotifier
from tests.raw import ApiProcess

SWEEP = {"kind": "backprop_sweep"}
PIXELS = {"pixels": [0] * 784}


@pytest.fixture
def api_process(tmp_path: Path) -> Iterator[ApiProcess]:
    running = ApiProcess(tmp_path / "data")
    yield running
    running.stop()


def wait_for_status(client: httpx.Client, status: int, *, seconds: float = 15) -> httpx.Response:
    deadline = time.monotonic() + seconds
    while (answer := client.get("/readyz")).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)
    return answer


def move_away(file: Path) -> Callable[[], object]:
    file.rename(file.with_suffix(".away"))
    return lambda: file.with_suffix(".away").rename(file)


def move_folder_away(file: Path) -> Callable[[], object]:
    away = file.parent.with_suffix(".away")
    file.parent.rename(away)
    return lambda: away.rename(file.parent)


def delete(file: Path) -> Callable[[], object]:
    kept = file.with_suffix(".kept")
    os.link(file, kept)
    file.unlink()
    return lambda: kept.rename(file)


def replace_by_a_copy(file: Path) -> Callable[[], object]:
    kept, copy = file.with_suffix(".kept"), file.with_suffix(".copy")
    shutil.copy(file, copy)
    os.link(file, kept)
    copy.rename(file)
    return lambda: kept.rename(file)


def replace_by_an_empty_one(file: Path) -> Callable[[], object]:
    kept, empty = file.with_suffix(".kept"), file.with_suffix(".empty")
    sqlite3.connect(empty).close()
    empty.touch()
    os.link(file, kept)
    empty.rename(file)
    return lambda: kept.rename(file)


@pytest.mark.parametrize(
    "lose",
    [move_away, move_folder_away, delete, replace_by_a_copy, replace_by_an_empty_one],
    ids=lambda one: one.__name__,
)
def test_lost_database_file_is_not_ready_takes_no_job_and_comes_back(
    api_process: ApiProcess, lose: Callable[[Path], Callable[[], object]]
) -> None:
    client, file = api_process.client, Path(api_process.log.with_suffix("") / "numeral.db")
    job_id = client.post("/v1/jobs", json=SWEEP).json()["id"]
    bring_back = lose(file)
    answer = client.get("/readyz")
    assert answer.status_code == 503, answer.text
    assert "database" in answer.json()["detail"]
    refused = client.post("/v1/jobs", json=SWEEP)
    assert (refused.status_code, client.get(f"/v1/jobs/{job_id}").status_code) == (503, 503), refused.text
    assert client.post("/v1/predict", json=PIXELS).status_code == 200  # from memory
    assert lose in (replace_by_a_copy, replace_by_an_empty_one) or not file.exists(), "nothing made another file"
    bring_back()
    wait_for_status(client, 200)
    assert client.get(f"/v1/jobs/{job_id}").status_code == 200
    assert client.post("/v1/jobs", json=SWEEP).status_code == 202
    assert client.get("/v1/jobs").json()["items"][-1]["id"] == job_id


@pytest.mark.parametrize("part", ["all pages but the first", "the end", "the head"])
def test_damaged_database_file_is_not_ready_until_it_is_whole_again(api_process: ApiProcess, part: str) -> None:
    client, file = api_process.client, Path(api_process.log.with_suffix("") / "numeral.db")
    job_id = client.post("/v1/jobs", json=SWEEP).json()["id"]
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    whole = file.read_bytes()
    first, last = {
        "all pages but the first": (4096, len(whole)),
        "the end": (len(whole) // 2, len(whole)),
        "the head": (0, 100),
    }[part]
    write_at(file, first, bytes(range(1, 256)) * ((last - first) // 255 + 1), last - first)
    wait_for_status(client, 503)
    assert client.post("/v1/predict", json=PIXELS).status_code == 200
    write_at(file, 0, whole, len(whole))
    wait_for_status(client, 200)
    assert client.get(f"/v1/jobs/{job_id}").status_code == 200


def write_at(file: Path, offset: int, content: bytes, size: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(offset)
        opened.write(content[:size])


def test_database_without_the_table_of_jobs_is_not_ready(tmp_path: Path) -> None:
    running = ApiProcess(tmp_path / "data")
    with sqlite3.connect(tmp_path / "data" / "numeral.db") as database:
        database.execute("ALTER TABLE jobs RENAME TO jobs_of_before")
    database.close()
    assert wait_for_status(running.client, 503).json()["detail"]
    running.stop()


def test_replaced_file_is_accepted_once_no_log_of_the_former_one_could_damage_it(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path / 'numeral.db'}", tmp_path / "numeral.db"
    upgrade(url)
    shutil.copy(file, tmp_path / "backup")
    sessions = Sessions(url)
    service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"), max_queued=10)
    (tmp_path / "backup").rename(file)
    with pytest.raises(DatabaseUnavailable, match="replaced"):
        service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"), max_queued=10)
    for name in ("numeral.db-wal", "numeral.db-shm"):
        (tmp_path / name).unlink()
    service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"), max_queued=10)
    sessions.close()
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_whole_file_is_read_for_a_small_share_of_the_time_only() -> None:
    now, reads = 0.0, 0

    class SlowSessions:
        def check_pages(self) -> None:
            nonlocal now, reads
            now, reads = now + 2.0, reads + 1

    watch = DatabaseWatch(SlowSessions(), clock=lambda: now)  # type: ignore[arg-type]
    for _ in range(1000):
        watch.check()
        now += 1.0
    assert reads * 2.0 / now < 1.2 * MAX_SHARE
    assert reads > 5


def test_readiness_names_why_a_job_would_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, notifier = Settings(data_dir=tmp_path), RecordedNotifier()
    upgrade(settings.resolved_database_url)
    sessions = Sessions(settings.resolved_database_url)
    watch = JobsWatch(sessions, notifier)
    watch.check()
    assert (watch.state["ready"], watch.state["workers"]) == (False, 0)
    assert "No worker" in (watch.state["reason"] or "")
    runs.report_alive(sessions, "here:1", device="cpu", version="1")
    watch.check()
    assert watch.state == {"ready": True, "workers": 1, "reason": None}
    monkeypatch.setattr(notifier, "depth", lambda _: None)
    watch.check()
    assert "Redis does not answer" in (watch.state["reason"] or "")
    sessions.close()


def test_answer_says_whether_jobs_would_run(api_process: ApiProcess) -> None:
    """`numeral api` alone has neither workers nor a broker; predictions do not need them."""
    state = api_process.client.get("/readyz").json()["jobs"]
    assert state["ready"] is False
    assert state["reason"]
