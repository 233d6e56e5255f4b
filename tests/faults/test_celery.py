"""What Celery on Redis is known to do to jobs (docs/faults.md), where no part has to fail for it."""

from celery import Celery

from tests.e2e.conftest import wait_for
from tests.faults.parts import SPEC, SWEEP, Parts
from tests.faults.processes import suspended


def test_running_job_leaves_no_message_behind_that_could_be_delivered_again(two_workers: Parts) -> None:
    job_id, _ = two_workers.start_training(epochs_done=1)
    assert two_workers.broker.hlen("unacked") == 0
    assert two_workers.broker.llen("training") == 0
    two_workers.require_same_answer(job_id, attempt=1)
    assert two_workers.broker.keys("celery-task-meta-*") == []  # nor a result


def test_message_that_a_dying_worker_took_along_is_sent_again(parts: Parts) -> None:
    with suspended(parts.sweeper().family()):
        job_id = parts.submit(**SWEEP)
        wait_for(lambda: parts.broker.rpop("sweeps"), seconds=10)
    assert parts.wait_for_end(job_id)["status"] == "succeeded"


def test_message_of_an_older_program_is_dropped_and_costs_neither_its_job_nor_its_worker(parts: Parts) -> None:
    celery = parts.sweeper().celery()
    older = Celery("older", broker=parts.redis_url, set_as_current=False)
    with suspended(parts.sweeper().family()):
        job_id = parts.submit(**SWEEP)
        wait_for(lambda: parts.broker.rpop("sweeps"), seconds=10)
        older.send_task("numeral.backprop_sweep", args=[job_id], queue="sweeps", ignore_result=True)
    older.close()
    wait_for(lambda: "numeral.backprop_sweep" in parts.sweeper().log.read_text(), seconds=20)  # Celery's error
    for waiting in (job_id, parts.submit(**SWEEP)):
        assert parts.wait_for_end(waiting)["status"] == "succeeded"
    assert parts.sweeper().celery() == celery


def test_job_that_was_cancelled_while_no_worker_was_there_never_runs(parts: Parts) -> None:
    with suspended(parts.sweeper().family()):
        job_id = parts.submit(**SWEEP)
        wait_for(lambda: parts.broker.llen("sweeps"), seconds=10)
        parts.http.post(f"/v1/jobs/{job_id}/cancel")
    parts.wait_until_empty("sweeps")
    assert parts.wait_for_end(parts.submit(**SWEEP))["status"] == "succeeded"
    job = parts.job(job_id)
    assert (job["status"], job["attempt"]) == ("cancelled", 0)


def test_busy_worker_hoards_no_message(two_workers: Parts) -> None:
    two_workers.wait_until_empty("training")
    ids = [two_workers.submit(**SPEC | {"epochs": 100}) for _ in range(len(two_workers.trainers()) + 1)]
    try:
        wait_for(lambda: [two_workers.job(job_id)["status"] for job_id in ids].count("queued") == 1, seconds=40)
        assert two_workers.broker.llen("training") == 1
    finally:
        for job_id in ids:
            two_workers.http.post(f"/v1/jobs/{job_id}/cancel")
            two_workers.wait_for_end(job_id)


def test_torch_is_loaded_by_the_child_that_trains_and_never_by_its_parent(two_workers: Parts) -> None:
    job_id, runner = two_workers.start_training(epochs_done=1)
    loaded = [any("libtorch" in part.path for part in process.memory_maps()) for process in runner.family()]
    assert loaded == [False, False, True]  # the supervisor, Celery, its child
    two_workers.require_same_answer(job_id, attempt=1)


def test_valkey_without_memory_takes_no_messages_and_costs_no_job(two_workers: Parts) -> None:
    two_workers.broker.config_set("maxmemory", 1)
    try:
        sweep, training = two_workers.submit(**SWEEP), two_workers.submit(**SPEC)
        wait_for(lambda: "accepts no messages" in two_workers.api.log.read_text(), seconds=10)
    finally:
        two_workers.broker.config_set("maxmemory", 0)
    assert two_workers.wait_for_end(sweep)["status"] == "succeeded"
    two_workers.require_same_answer(training, attempt=1)
