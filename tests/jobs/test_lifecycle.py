from itertools import product

import pytest

from app.db import Sessions, database_now
from app.jobs import service
from app.jobs.lifecycle import TRANSITIONS, JobStatus
from app.jobs.specs import BackpropSweepSpec
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
