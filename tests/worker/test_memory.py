import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from celery.exceptions import WorkerLostError

from app.db import Sessions
from app.jobs import runs, service
from app.jobs.events import read_events
from app.jobs.notifier import CeleryNotifier
from app.jobs.specs import BackpropSweepSpec
from app.jobs.transitions import MAX_ATTEMPTS
from app.migrations.migrate import upgrade
from tests.e2e.conftest import wait_for
from tests.faults.databases import database
from tests.faults.parts import Parts
from tests.faults.processes import Part
from tests.workers import claim
from worker import memory
from worker.memory import WatchedRequest, count_memory_kills, release_killed

KILLED = "Worker exited prematurely: signal 9 (SIGKILL) Job: 0."


def test_kills_are_counted_where_the_system_says_so(tmp_path: Path) -> None:
    file = tmp_path / "vmstat"
    file.write_text("pgfault 12\noom_kill 3\noom_kill_other 7\n")
    assert count_memory_kills(file) == 3
    file.write_text("pgfault 12\n")
    assert count_memory_kills(file) is None
    assert count_memory_kills(tmp_path / "missing") is None


def test_job_of_a_killed_process_is_tried_again_and_ends_out_of_memory(sessions: Sessions) -> None:
    job, _ = service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))
    for attempt in range(1, MAX_ATTEMPTS + 1):
        claim(sessions, job.id, worker="here:7")
        assert not release_killed(sessions, "here:8")
        assert release_killed(sessions, "here:7")
        assert service.get(sessions, job.id).failed_attempts == min(attempt, MAX_ATTEMPTS - 1)
    ended = service.get(sessions, job.id)
    assert (ended.status, ended.error and ended.error["reason"]) == ("failed", "out_of_memory")
    assert "memory ran out" in (ended.error or {})["detail"]
    assert not release_killed(sessions, "here:7")


@pytest.mark.parametrize(
    ("error", "kills", "is_released"),
    [
        (WorkerLostError(KILLED), (4, 5), True),
        (WorkerLostError(KILLED), (4, 4), False),  # somebody else's kill -9: its lease will run out
        (WorkerLostError(KILLED), (None, None), False),
        (WorkerLostError("Worker exited prematurely: exitcode 1 Job: 0."), (4, 5), False),
        (ValueError("no"), (4, 5), False),
    ],
)
def test_parent_releases_the_job_of_a_child_that_was_killed_for_memory(
    sessions: Sessions,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    kills: tuple[int | None, int | None],
    is_released: bool,
) -> None:
    job, _ = service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))
    claim(sessions, job.id, worker=f"{socket.gethostname()}:{os.getpid()}")
    counts = iter(kills)
    monkeypatch.setattr(memory, "count_memory_kills", lambda: next(counts))
    monkeypatch.setattr(memory.Request, "on_accepted", accept)
    monkeypatch.setattr(memory.Request, "on_failure", lambda *_: None)
    monkeypatch.setenv("NUMERAL_DATABASE_URL", sessions.engine.url.render_as_string(hide_password=False))
    request = WatchedRequest.__new__(WatchedRequest)
    request.on_accepted(os.getpid(), 0.0)
    request.on_failure(SimpleNamespace(exception=error))
    assert (service.get(sessions, job.id).status == "queued") == is_released
    with sessions.reading() as session:
        assert runs.get_job(session, job.id).failed_attempts == (1 if is_released else 0)


WORKER = """
import sys
from pathlib import Path
import worker.memory
from celery.__main__ import main
counted = Path(sys.argv.pop(1))
worker.memory.count_memory_kills = lambda: int(counted.read_text())
main()
"""
LONG_SWEEP = {"kind": "backprop_sweep", "epochs": 100_000, "learning_rates": [0.1] * 50}


def test_real_worker_releases_the_job_of_a_child_that_was_killed_for_memory(tmp_path: Path) -> None:
    """No dispatcher runs and the lease is long, so nobody but the worker's parent process can release the job."""
    counted = tmp_path / "counted"
    counted.write_text("4")
    with database("sqlite", tmp_path) as chosen:
        upgrade(chosen.url)
        parts = Parts(tmp_path, tmp_path / "artifacts", chosen)
        parts.environment["NUMERAL_LEASE_SECONDS"] = "300"
        parts.start_valkey()
        options = ("--app", "worker.celery_app", "worker", "--queues", "sweeps", "--concurrency", "1")
        command = (sys.executable, "-c", WORKER, str(counted), *options)
        celery = Part(command, parts.environment, tmp_path / "worker.log")
        notifier = CeleryNotifier(parts.redis_url)
        try:
            job, _ = service.submit(parts.sessions, BackpropSweepSpec.model_validate(LONG_SWEEP))
            notifier.notify(job.queue)
            running = wait_for(lambda: runs.claim_of(parts.sessions, worker_of(parts.sessions, job.id)), seconds=60)
            counted.write_text("5")
            psutil.Process(int(worker_of(parts.sessions, job.id).rpartition(":")[2])).kill()
            wait_for(lambda: service.get(parts.sessions, job.id).failed_attempts == 1, seconds=60)
        finally:
            celery.kill()
            notifier.close()
            parts.valkey.stop()
            parts.http.close()
            parts.broker.close()
        log = [event.data.get("detail", "") for event in read_events(parts.sessions, running.job_id).events]
        assert any("memory ran out" in detail for detail in log)
        parts.sessions.close()


def worker_of(sessions: Sessions, job_id: str) -> str:
    return service.get(sessions, job_id).worker or ""


def accept(request: Any, pid: int, _: float) -> None:
    request.worker_pid = pid
