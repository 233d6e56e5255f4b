from itertools import product
from typing import get_args

import pytest

from app.db import Sessions, database_now
from app.jobs import service
from app.jobs.lifecycle import STATES, TRANSITIONS, JobStatus, in_words
from app.jobs.specs import BackpropSweepSpec, JobKind
from app.jobs.tables import Job
from app.jobs.transitions import move


@pytest.mark.parametrize(("source", "target"), list(product(JobStatus, JobStatus)))
def test_every_pair_of_statuses_moves_only_as_the_table_says(
    sessions: Sessions, source: JobStatus, target: JobStatus
) -> None:
    job, _ = service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))
    with sessions.writing() as session:
        session.merge(Job(id=job.id, status=source))
    with sessions.writing() as session:
        moved = move(session, job.id, target, finished_at=database_now(session))
    assert moved is (target in TRANSITIONS[source])
    assert service.get(sessions, job.id).status == (target if moved else source)


def test_only_succeeded_failed_and_cancelled_are_final() -> None:
    assert {status for status in JobStatus if status.is_final} == {
        JobStatus.SUCCEEDED,
        JobStatus.FAILED,
        JobStatus.CANCELLED,
    }


def test_every_job_can_be_told_in_words() -> None:
    assert set(STATES) == set(JobStatus)
    assert in_words("mnist_training", "succeeded") == "training that has succeeded"
    assert all("_" not in in_words(kind, "queued") for kind in get_args(JobKind))
