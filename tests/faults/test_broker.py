"""Whatever happens to Valkey and its messages: every job runs, and once."""

import time

import pytest

from app.jobs.notifier import CeleryNotifier
from tests.faults.parts import SPEC, SWEEP, Parts
from tests.faults.processes import suspended

# The longest timeout in it is the workers' health check, 25 s. The database has no part in it: once is enough.
HANG_SECONDS = {"sqlite": 10, "postgresql": 60}  # the minute in `make hostile` alone


def submit_sweeps(parts: Parts, count: int = 5) -> list[str]:
    return [parts.submit(**SWEEP) for _ in range(count)]


def require_sweeps(parts: Parts, ids: list[str]) -> None:
    for job_id in ids:
        job = parts.wait_for_end(job_id)
        assert (job["status"], job["attempt"], job["error"]) == ("succeeded", 1, None)


def test_valkey_that_is_killed_costs_no_job_and_interrupts_none(two_workers: Parts) -> None:
    job_id, _ = two_workers.start_training(epochs_done=1)
    with suspended(two_workers.sweeper().family()):
        waiting = submit_sweeps(two_workers)
        two_workers.valkey.kill()
        waiting += submit_sweeps(two_workers)
    two_workers.start_valkey()
    two_workers.require_same_answer(job_id, attempt=1)
    require_sweeps(two_workers, waiting)


def test_valkey_that_comes_back_empty_costs_no_job_and_interrupts_none(two_workers: Parts) -> None:
    job_id, _ = two_workers.start_training(epochs_done=1)
    with suspended(two_workers.sweeper().family()):
        waiting = submit_sweeps(two_workers)
        two_workers.broker.flushall()
    two_workers.require_same_answer(job_id, attempt=1)
    require_sweeps(two_workers, waiting)


@pytest.mark.timeout(300)
def test_valkey_that_hangs_for_a_minute_holds_up_no_request_and_interrupts_no_job(two_workers: Parts) -> None:
    job_id, _ = two_workers.start_training(epochs_done=1)
    waiting, seconds = [], []
    with suspended(two_workers.valkey.family()):
        hangs_until = time.monotonic() + HANG_SECONDS[two_workers.database.kind]
        while time.monotonic() < hangs_until:
            start = time.monotonic()
            waiting.append(two_workers.submit(**SWEEP))
            seconds.append(time.monotonic() - start)
            time.sleep(1)  # a client that submits every second; the minute itself is the fault
        two_workers.require_same_answer(job_id, attempt=1)
    assert max(seconds) < 1.0
    require_sweeps(two_workers, waiting)


def test_connections_that_are_cut_start_no_job_twice(two_workers: Parts) -> None:
    job_id, _ = two_workers.start_training(epochs_done=1)
    for epochs_done in (1, 2, 3):
        two_workers.wait_for_epochs(job_id, epochs_done)
        for kind in ("normal", "pubsub"):
            two_workers.broker.client_kill_filter(_type=kind, skipme=True)
    two_workers.require_same_answer(job_id, attempt=1)
    require_sweeps(two_workers, submit_sweeps(two_workers))


def test_message_that_is_delivered_ten_times_runs_its_job_once(two_workers: Parts) -> None:
    job_id, _ = two_workers.start_training(epochs_done=1)
    sender = CeleryNotifier(two_workers.redis_url)
    with suspended(two_workers.sweeper().family()):
        (sweep,) = submit_sweeps(two_workers, 1)
        for _ in range(10):
            sender.notify("training")
            sender.notify("sweeps")
    two_workers.require_same_answer(job_id, attempt=1)
    require_sweeps(two_workers, [sweep])
    for queue in ("training", "sweeps"):
        two_workers.wait_until_empty(queue)
    sender.close()
    assert [event["data"]["status"] for event in two_workers.events(sweep) if event["event"] == "status"] == [
        "queued",
        "running",
        "succeeded",
    ]


def test_jobs_that_are_submitted_while_there_is_no_broker_run_when_there_is_one(two_workers: Parts) -> None:
    two_workers.valkey.kill()
    start = time.monotonic()
    waiting = submit_sweeps(two_workers, 10)
    training = two_workers.submit(**SPEC)
    assert time.monotonic() - start < 11 * 0.5
    two_workers.start_valkey()
    require_sweeps(two_workers, waiting)
    two_workers.require_same_answer(training, attempt=1)


def test_worker_is_stopped_in_ten_seconds_while_there_is_no_broker(two_workers: Parts) -> None:
    job_id, runner = two_workers.start_training()
    two_workers.valkey.kill()
    try:
        assert two_workers.stop_worker(runner) == 0
        assert two_workers.job(job_id)["status"] == "queued"
    finally:
        two_workers.start_valkey()
    two_workers.require_same_answer(job_id, attempt=2)
    assert two_workers.failed_attempts(job_id) == 0
