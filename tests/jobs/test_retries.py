from typing import Any

import pytest

from app.db import Sessions
from app.errors import InvalidInput, JobNotEnded, JobNotFound, QuotaReached, TooManyJobs
from app.jobs import queries, runs, service
from app.jobs.quotas import Quota
from app.jobs.retries import retry_with_changes
from app.jobs.specs import BackpropSweepSpec, MnistTrainingSpec
from tests.workers import claim


def ended_training(sessions: Sessions, *, checkpoints: tuple[int, ...] = (10, 20), **given: Any) -> str:
    """A failed training of four epochs of ten batches."""
    spec = MnistTrainingSpec.model_validate(
        {"kind": "mnist_training", "recipe": "reference", "epochs": 4, "name": "first", "tags": ["a"], **given}
    )
    job, _ = service.submit(sessions, spec)
    claimed = claim(sessions, job.id)
    progress = {"done": 20, "total": 40, "unit": "batches"}
    runs.renew(sessions, claimed, lease_seconds=30, progress=progress, has_stepped=True)
    for step in checkpoints:
        runs.record_checkpoint(sessions, claimed, step=step, artifact=f"{job.id}/{step}", sha256="x")
    runs.fail(sessions, claimed, reason="error", detail="no")
    return job.id


def test_retry_with_changes_is_a_new_job_with_the_old_spec_otherwise(sessions: Sessions) -> None:
    old = service.get(sessions, ended_training(sessions, seed=7))
    new = service.get(sessions, retry_with_changes(sessions, old.id, {"learning_rate": 0.02}).id)
    assert new.id != old.id
    assert new.spec == old.spec | {"learning_rate": 0.02}
    assert (new.status, new.name, new.attempt) == ("queued", "first", 0)
    assert service.get(sessions, old.id).status == "failed"
    assert [job.id for job in queries.list_(sessions, tag="a").jobs] == [new.id, old.id]


@pytest.mark.parametrize(
    ("given", "changes", "step", "why"),
    [
        ({}, {"learning_rate": 0.02}, 20, "constant schedule"),
        ({}, {"epochs": 9}, 20, "constant schedule"),
        ({}, {"epochs": 2}, 10, "constant schedule"),
        ({}, {"epochs": 1}, 0, "is at batch 10, this one ends at batch 10. Ask for 2 epochs or more"),
        ({}, {"batch_size": 64}, 0, "another batch_size"),
        ({"checkpoints": ()}, {"epochs": 9}, 0, "that job has no checkpoint. It ended before its first epoch did"),
        ({"recipe": "fast"}, {"epochs": 9}, 0, "the one_cycle schedule"),
        ({"schedule": "cosine"}, {"learning_rate": 0.02}, 0, "the cosine schedule"),
        ({"cooldown": 0.2}, {"epochs": 9}, 0, "the cooldown"),
    ],
)
def test_it_continues_from_the_old_checkpoint_only_where_that_is_sound(
    sessions: Sessions, given: dict[str, Any], changes: dict[str, Any], step: int, why: str
) -> None:
    old = ended_training(sessions, **given)
    origin = service.get(sessions, retry_with_changes(sessions, old, changes).id).origin
    assert origin is not None
    assert (origin["job"], origin["step"]) == (old, step)
    assert why in origin["why"]


def test_checkpoint_of_a_training_that_ended_before_its_lease_was_renewed_is_continued(sessions: Sessions) -> None:
    spec = MnistTrainingSpec.model_validate({"kind": "mnist_training", "recipe": "reference", "epochs": 4})
    claimed = claim(sessions, service.submit(sessions, spec)[0].id)
    progress = {"done": 10, "total": 40, "unit": "batches", "eta_seconds": None}
    runs.record_checkpoint(sessions, claimed, step=10, artifact="a", sha256="x", progress=progress)
    runs.fail(sessions, claimed, reason="error", detail="no")
    origin = retry_with_changes(sessions, claimed.job_id, {"learning_rate": 0.02}).origin
    assert origin is not None
    assert (origin["step"], origin["why"][:53]) == (10, "It continues from batch 10 of that job (epoch 1): und")


def test_job_that_has_not_ended_or_is_no_training_is_not_retried_with_changes(sessions: Sessions) -> None:
    training, _ = service.submit(sessions, MnistTrainingSpec(kind="mnist_training"))
    with pytest.raises(JobNotEnded):
        retry_with_changes(sessions, training.id, {"epochs": 1})
    sweep, _ = service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))
    service.cancel(sessions, sweep.id)
    with pytest.raises(InvalidInput, match="only a training"):
        retry_with_changes(sessions, sweep.id, {"epochs": 1})
    with pytest.raises(JobNotFound):
        retry_with_changes(sessions, "01890000-0000-7000-8000-000000000000", {"epochs": 1})


def test_retry_with_changes_keeps_to_the_bounds_of_a_submit(sessions: Sessions) -> None:
    old = ended_training(sessions)
    with pytest.raises(TooManyJobs):
        retry_with_changes(sessions, old, {"epochs": 9}, max_queued=0)
    with pytest.raises(QuotaReached):
        retry_with_changes(sessions, old, {"epochs": 200}, quota=lambda _: Quota(1_000_000, "NUMERAL_MAX"))


def test_succeeded_training_is_retried_with_more_epochs(sessions: Sessions) -> None:
    job, _ = service.submit(
        sessions, MnistTrainingSpec.model_validate({"kind": "mnist_training", "recipe": "reference"})
    )
    claimed = claim(sessions, job.id)
    runs.succeed(sessions, claimed, lambda _: {})
    assert retry_with_changes(sessions, job.id, {"epochs": 30}).spec["epochs"] == 30
