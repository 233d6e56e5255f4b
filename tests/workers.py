"""For tests that play the worker of one job, whatever else is in its queue."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.db import Sessions
from app.jobs import runs, service
from app.jobs.tables import Job
from app.jobs.transitions import Claim, get_job
from worker.runner import Work, run_next


def make_next(sessions: Sessions, job_id: str) -> str:
    """Make a job the first of its queue, and due now, as if it had waited longest. Returns the queue."""
    with sessions.writing() as session:
        job = get_job(session, job_id)
        job.queue_order = session.scalars(select(func.min(Job.queue_order))).one() - timedelta(seconds=1)
        job.run_after = None
        return job.queue


def claim(sessions: Sessions, job_id: str, *, lease_seconds: float = 30, worker: str | None = None) -> Claim:
    """Claim this queued job."""
    claimed = runs.claim_next(sessions, make_next(sessions, job_id), lease_seconds=lease_seconds, worker=worker)
    assert claimed is not None
    assert claimed.job_id == job_id
    return claimed


def run_job(sessions: Sessions, job_id: str, work: Work, **options: Any) -> None:
    """Run this job, if it is queued, with `work` as the work of its kind."""
    run_next(sessions, make_next(sessions, job_id), {service.get(sessions, job_id).kind: work}, **options)
