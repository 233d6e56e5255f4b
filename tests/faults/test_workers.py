"""What happens to a worker must not happen to its job."""

import re
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.e2e.conftest import wait_for
from tests.faults.parts import SPEC, STEPS_PER_EPOCH, SWEEP, Parts
from tests.faults.processes import suspended


def test_training_of_a_worker_that_is_killed_goes_on_elsewhere_and_ends_the_same(two_workers: Parts) -> None:
    job_id, runner = two_workers.start_training()
    two_workers.kill_worker(runner)
    two_workers.require_same_answer(job_id, attempt=2)
    (message,) = (data["message"] for data in two_workers.event_data(job_id, "log"))
    batch = int(message.split()[3])
    assert message == f"Resumed at batch {batch} of {SPEC['epochs'] * STEPS_PER_EPOCH}."
    assert batch >= 2 * STEPS_PER_EPOCH  # nothing of the recorded epochs was done again
    assert batch % STEPS_PER_EPOCH == 0


def test_training_whose_process_is_killed_goes_on_and_its_worker_lives(two_workers: Parts) -> None:
    job_id, runner = two_workers.start_training()
    celery = runner.celery()
    runner.child().kill()
    two_workers.require_same_answer(job_id, attempt=2)
    assert runner.celery() == celery


def test_worker_whose_celery_is_killed_is_started_again_and_runs_no_job_twice_at_once(two_workers: Parts) -> None:
    job_id, runner = two_workers.start_training()
    celery, child = runner.celery(), runner.child()
    celery.kill()
    wait_for(lambda: not child.is_running(), seconds=5)
    two_workers.require_same_answer(job_id, attempt=2)
    assert wait_for(lambda: runner.family()[1:] and runner.celery() != celery, seconds=20)


def test_worker_that_wakes_up_after_its_lease_changes_nothing(two_workers: Parts) -> None:
    job_id, zombie = two_workers.start_training()
    with suspended(zombie.family()):
        successor = two_workers.runner_of(job_id, attempt=2)
        wait_for(lambda: two_workers.event_data(job_id, "log"), seconds=20)
    assert successor is not zombie
    two_workers.require_same_answer(job_id, attempt=2)
    dropped = f"job {job_id} attempt 1 was taken from this worker; dropped"
    wait_for(lambda: dropped in zombie.log.read_text(), seconds=10)


def test_stopped_worker_saves_releases_its_job_without_a_failure_and_is_gone_in_ten_seconds(two_workers: Parts) -> None:
    job_id, runner = two_workers.start_training()
    family = runner.family()
    assert two_workers.stop_worker(runner) == 0
    assert not any(process.is_running() for process in family)
    two_workers.require_same_answer(job_id, attempt=2)
    assert two_workers.failed_attempts(job_id) == 0
    assert "Resumed at batch" in two_workers.event_data(job_id, "log")[0]["message"]


@pytest.mark.hostile
def test_training_interrupted_again_and_again_ends_with_the_same_weights(two_workers: Parts) -> None:
    job_id, runner = two_workers.start_training(epochs_done=1)
    runner.child().kill()
    runner = two_workers.runner_of(job_id, attempt=2)
    two_workers.wait_for_epochs(job_id, 2)
    assert two_workers.stop_worker(runner) == 0
    two_workers.start_worker()
    runner = two_workers.runner_of(job_id, attempt=3)
    two_workers.wait_for_epochs(job_id, 3)
    with suspended([runner.child()]):
        two_workers.runner_of(job_id, attempt=4)
    two_workers.require_same_answer(job_id, attempt=4)
    assert two_workers.failed_attempts(job_id) == 2


def test_worker_whose_clock_is_two_hours_ahead_runs_its_job_and_is_missed_like_any_other(two_workers: Parts) -> None:
    expected = two_workers.undisturbed
    assert expected
    for worker in two_workers.trainers():
        two_workers.stop_worker(worker)
    ahead = two_workers.start_worker(**clock_ahead("+2h"))
    try:
        job_id, runner = two_workers.start_training()
        assert runner is ahead
        began = datetime.strptime(
            re.search(rf"(\S+) .*{job_id} attempt 1 begins", ahead.log.read_text())[1], "%H:%M:%S"
        )
        assert 7100 < (began - datetime.now()).seconds % 86400 < 7300
        two_workers.start_worker()
        if two_workers.database.has_own_clock:
            ahead.child().kill()
        two_workers.require_same_answer(job_id, attempt=2 if two_workers.database.has_own_clock else 1)
    finally:
        two_workers.stop_worker(ahead)


def clock_ahead(by: str) -> dict[str, str]:
    """The variables that give a process another clock: libfaketime, under Python and its C libraries alike."""
    package = find_spec("libfaketime")
    assert package is not None
    assert package.origin is not None
    library = Path(package.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
    # without the last, every wait with a timeout takes three times as long
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": by,
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    }


def test_job_that_kills_its_worker_fails_after_three_tries_and_lets_the_others_pass(parts: Parts) -> None:
    poison = parts.submit(kind="backprop_sweep", epochs=100_000, learning_rates=[0.1] * 50)
    behind = parts.submit(**SWEEP)
    for attempt in (1, 2, 3):
        parts.runner_of(poison, attempt=attempt).child().kill()
    assert parts.wait_for_end(behind)["status"] == "succeeded"
    job = parts.wait_for_end(poison)
    assert (job["status"], job["attempt"], job["error"]["reason"]) == ("failed", 3, "worker_lost")
