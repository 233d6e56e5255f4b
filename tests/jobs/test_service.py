from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.db import Sessions
from app.errors import (
    DeviceNotPresent,
    IdempotencyKeyReused,
    JobAlreadyEnded,
    JobInUse,
    JobNotEnded,
    JobNotFound,
    JobSucceeded,
    TooManyJobs,
)
from app.jobs import queries, retries, runs, service
from app.jobs.events import read_events
from app.jobs.specs import BackpropSweepSpec, MnistTrainingSpec
from app.jobs.transitions import get_job
from app.registry import service as registry
from tests.workers import claim

SWEEP = BackpropSweepSpec(kind="backprop_sweep")
TRAINING = MnistTrainingSpec(kind="mnist_training")


def test_submitted_job_is_queued_with_its_first_event(sessions: Sessions) -> None:
    job, is_new = service.submit(sessions, SWEEP)
    events, is_complete = read_events(sessions, job.id)
    assert is_new
    assert service.get(sessions, job.id).status == "queued"
    assert [(event.number, event.data["status"]) for event in events] == [(1, "queued")]
    assert not is_complete


def test_same_key_and_spec_give_the_first_job(sessions: Sessions) -> None:
    first, _ = service.submit(sessions, SWEEP, idempotency_key="k")
    again, is_new = service.submit(sessions, SWEEP, idempotency_key="k")
    assert (again.id, is_new) == (first.id, False)


def test_same_key_with_another_spec_is_refused(sessions: Sessions) -> None:
    service.submit(sessions, SWEEP, idempotency_key="k")
    with pytest.raises(IdempotencyKeyReused):
        service.submit(sessions, TRAINING, idempotency_key="k")


def test_twenty_submits_of_one_key_at_once_make_one_job(sessions: Sessions) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: service.submit(sessions, SWEEP, idempotency_key="k"), range(20)))
    assert len({job.id for job, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1
    assert len(queries.list_(sessions).jobs) == 1


def test_jobs_are_listed_newest_first_and_by_page(sessions: Sessions) -> None:
    ids = [service.submit(sessions, SWEEP)[0].id for _ in range(5)]
    page = queries.list_(sessions, limit=2).jobs
    rest = queries.list_(sessions, before=page[-1].id, limit=10).jobs
    assert [job.id for job in page + rest] == ids[::-1]


def test_jobs_are_listed_by_kind_and_status(sessions: Sessions) -> None:
    sweep, _ = service.submit(sessions, SWEEP)
    training, _ = service.submit(sessions, TRAINING)
    service.cancel(sessions, training.id)
    assert [job.id for job in queries.list_(sessions, kind="backprop_sweep").jobs] == [sweep.id]
    assert [job.id for job in queries.list_(sessions, status="cancelled").jobs] == [training.id]


def test_queued_job_is_cancelled_at_once_and_then_cannot_be_claimed(sessions: Sessions) -> None:
    job, _ = service.submit(sessions, SWEEP)
    assert service.cancel(sessions, job.id).status == "cancelled"
    assert runs.claim_next(sessions, job.queue, lease_seconds=30) is None


def test_ended_job_cannot_be_cancelled(sessions: Sessions) -> None:
    job, _ = service.submit(sessions, SWEEP)
    service.cancel(sessions, job.id)
    with pytest.raises(JobAlreadyEnded):
        service.cancel(sessions, job.id)


def test_unknown_job_is_not_found(sessions: Sessions) -> None:
    for call in (service.get, service.cancel, read_events):
        with pytest.raises(JobNotFound):
            call(sessions, "01890000-0000-7000-8000-000000000000")


def test_cuda_job_is_refused_until_a_worker_with_cuda_appears(sessions: Sessions) -> None:
    spec = MnistTrainingSpec(kind="mnist_training", device="cuda")
    runs.report_alive(sessions, "small:1", device="cpu", version="1")
    with pytest.raises(DeviceNotPresent):
        service.submit(sessions, spec)
    runs.report_alive(sessions, "big:1", device="cuda", version="1")
    job, _ = service.submit(sessions, spec)
    assert job.queue == "training-cuda"


def test_recipe_fills_in_what_the_spec_leaves_out() -> None:
    reference = MnistTrainingSpec.model_validate({"kind": "mnist_training", "recipe": "reference", "epochs": 3})
    assert (reference.epochs, reference.batch_size, reference.learning_rate) == (3, 128, 0.01)
    assert reference.to_recipe().dropout == 0.05


def test_jobs_past_the_bound_are_refused_for_their_kind_alone(sessions: Sessions) -> None:
    first, _ = service.submit(sessions, SWEEP, idempotency_key="k", max_queued=1)
    with pytest.raises(TooManyJobs):
        service.submit(sessions, SWEEP, max_queued=1)
    assert service.submit(sessions, SWEEP, idempotency_key="k", max_queued=1)[0].id == first.id
    assert service.submit(sessions, TRAINING, max_queued=1)[1]
    claim(sessions, first.id)
    assert service.submit(sessions, SWEEP, max_queued=1)[1]


def fail(sessions: Sessions, job_id: str) -> None:
    claimed = claim(sessions, job_id)
    assert runs.record_checkpoint(sessions, claimed, step=7, artifact="state", sha256="x", epochs=[{"epoch": 1}])
    assert runs.fail(sessions, claimed, reason="error", detail="no")


def test_failed_job_tried_again_has_all_its_tries_and_its_checkpoint(sessions: Sessions) -> None:
    job, _ = service.submit(sessions, TRAINING)
    fail(sessions, job.id)
    again = retries.retry(sessions, job.id)
    assert (again.status, again.error, again.finished_at, again.failed_attempts) == ("queued", None, None, 0)
    assert [checkpoint.step for checkpoint in runs.checkpoints(sessions, job.id)] == [7]
    claimed = claim(sessions, job.id)
    assert claimed.attempt == 2
    assert runs.succeed(sessions, claimed, lambda _: {"done": True})


def test_cancelled_job_tried_again_is_not_cancelled_again(sessions: Sessions) -> None:
    job, _ = service.submit(sessions, SWEEP)
    claimed = claim(sessions, job.id)
    service.cancel(sessions, job.id)
    runs.end_cancelled(sessions, claimed)
    retries.retry(sessions, job.id)
    claimed = claim(sessions, job.id)
    assert not runs.check(sessions, claimed).is_cancel_requested


def test_job_that_waits_runs_or_succeeded_is_not_tried_again(sessions: Sessions) -> None:
    job, _ = service.submit(sessions, SWEEP)
    with pytest.raises(JobNotEnded):
        retries.retry(sessions, job.id)
    claimed = claim(sessions, job.id)
    with pytest.raises(JobNotEnded):
        retries.retry(sessions, job.id)
    runs.succeed(sessions, claimed, lambda _: {})
    with pytest.raises(JobSucceeded):
        retries.retry(sessions, job.id)


def test_deleted_job_is_gone_with_all_its_rows_and_names_its_artifacts(sessions: Sessions) -> None:
    job, _ = service.submit(sessions, TRAINING, idempotency_key="k")
    with pytest.raises(JobNotEnded):
        service.delete(sessions, job.id)
    fail(sessions, job.id)
    assert service.delete(sessions, job.id) == ["state"]
    with pytest.raises(JobNotFound):
        service.get(sessions, job.id)
    assert runs.checkpoints(sessions, job.id) == []
    assert service.submit(sessions, TRAINING, idempotency_key="k")[1]


def test_job_whose_version_is_registered_is_not_deleted(sessions: Sessions) -> None:
    job, _ = service.submit(sessions, TRAINING)
    claimed = claim(sessions, job.id)
    card = {"test": {"accuracy": 0.5}, "validation": {"accuracy": 0.5}, "dataset": {"name": "mnist"}}
    source = f"job:{job.id}"
    runs.succeed(
        sessions,
        claimed,
        lambda session: {"model_version": registry.register(session, source=source, card=card, files={})},
    )
    with pytest.raises(JobInUse):
        service.delete(sessions, job.id)


def test_job_of_an_older_program_is_the_same_as_its_repetition(sessions: Sessions) -> None:
    job, _ = service.submit(sessions, SWEEP, idempotency_key="k")
    with sessions.writing() as session:
        row = get_job(session, job.id)
        row.spec = {name: value for name, value in row.spec.items() if name not in ("priority", "time_limit_seconds")}
    assert service.submit(sessions, SWEEP, idempotency_key="k")[0].id == job.id


def test_retried_job_queues_behind_those_that_waited(sessions: Sessions) -> None:
    first, _ = service.submit(sessions, SWEEP)
    service.cancel(sessions, first.id)
    second, _ = service.submit(sessions, SWEEP)
    retries.retry(sessions, first.id)
    claimed = runs.claim_next(sessions, "sweeps", lease_seconds=30)
    assert claimed is not None
    assert claimed.job_id == second.id


def test_of_two_who_retry_or_delete_at_once_one_is_refused(sessions: Sessions) -> None:
    def attempt(call: Callable[[Sessions, str], object]) -> bool:
        try:
            call(sessions, job.id)
        except (JobNotEnded, JobNotFound):
            return False
        return True

    for rival in (retries.retry, service.delete):
        for _ in range(10):
            job, _ = service.submit(sessions, SWEEP)
            service.cancel(sessions, job.id)
            with ThreadPoolExecutor(2) as pool:
                assert sorted(pool.map(attempt, (retries.retry, rival))) == [False, True]


def test_bound_holds_for_many_who_submit_at_once(sessions: Sessions) -> None:
    def attempt(_: int) -> bool:
        try:
            return service.submit(sessions, SWEEP, max_queued=5)[1]
        except TooManyJobs:
            return False

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(attempt, range(20))) == 5
