import os
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import WorkerLostError

from app.db import Sessions
from app.jobs import runs, service
from app.jobs.specs import BackpropSweepSpec
from app.jobs.transitions import MAX_ATTEMPTS
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


def accept(request: Any, pid: int, _: float) -> None:
    request.worker_pid = pid
