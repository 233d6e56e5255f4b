"""An API that dies takes no accepted job with it."""

import signal

from tests.faults.parts import SWEEP, Parts


def test_api_that_is_killed_between_commit_and_enqueue_loses_no_job(two_workers: Parts) -> None:
    two_workers.valkey.process.send_signal(signal.SIGSTOP)
    ids = [two_workers.submit(**SWEEP) for _ in range(3)]  # committed and answered; the notification hangs
    two_workers.api.kill()
    two_workers.valkey.kill()  # and what the socket still held is gone
    two_workers.start_valkey()
    assert two_workers.broker.llen("sweeps") == 0
    two_workers.start_api()
    for job_id in ids:
        job = two_workers.wait_for_end(job_id)
        assert (job["status"], job["attempt"]) == ("succeeded", 1)


def test_api_that_is_killed_in_the_middle_of_a_training_is_not_missed(two_workers: Parts) -> None:
    job_id, _ = two_workers.start_training(epochs_done=1)
    two_workers.api.kill()
    two_workers.start_api()
    two_workers.require_same_answer(job_id, attempt=1)


def test_two_apis_at_once_dispatch_as_one(two_workers: Parts) -> None:
    second = two_workers.start_second_api()
    ids = [two_workers.submit(**SWEEP) for _ in range(10)]
    job_id, runner = two_workers.start_training(epochs_done=1)
    runner.child().kill()
    two_workers.require_same_answer(job_id, attempt=2)
    for sweep in ids:
        assert two_workers.wait_for_end(sweep)["attempt"] == 1
    second.stop()
