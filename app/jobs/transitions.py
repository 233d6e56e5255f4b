"""The only writer of a job's status, and the guarded writes that go with it. All join the caller's transaction.

A claim takes the next attempt number. Every write of a run names that attempt in its WHERE clause; if the job has
another attempt by now, the function writes nothing and returns False.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session, undefer

from app.db import database_now
from app.errors import JobNotFound
from app.jobs.lifecycle import JobStatus, sources
from app.jobs.tables import HELD, Job, JobEvent

MAX_ATTEMPTS = 3
IMPOSSIBLE = "impossible"  # the reason of a trial whose settings do not go together: it is never tried
RETRY_DELAYS = (timedelta(seconds=2), timedelta(seconds=20))  # after the first and the second failed attempt


@dataclass(frozen=True)
class Claim:
    """The right to run a job, valid until the lease expires unrenewed and the job is claimed again."""

    job_id: str
    attempt: int
    kind: str
    spec: dict[str, Any]
    is_trial: bool = False  # of a search
    is_winner: bool = False


def move(
    session: Session,
    job_id: str,
    target: JobStatus,
    *,
    claim: Claim | None = None,
    only_from: JobStatus | None = None,
    note: dict[str, Any] | None = None,
    **columns: Any,
) -> bool:
    """Change a job's status if the current one allows it, and append a status event. The only writer of `status`.

    The end of a trial wakes its search.
    """
    allowed = [only_from] if only_from else sources(target)
    query = update(Job).where(Job.id == job_id, Job.status.in_(allowed))
    if claim is not None:
        query = query.where(*is_current(claim))
    now = database_now(session)
    if target.is_final:
        columns = {"finished_at": now, "lease_until": None, "deadline": None} | columns
    elif target is JobStatus.QUEUED:
        columns = {"queued_at": now} | columns
    query = query.values(status=target, events=Job.events + 1, **columns)
    returned = (Job.events, Job.attempt, Job.search_id, Job.search_role, Job.trial)
    moved = session.execute(query.returning(*returned)).one_or_none()
    if moved is None:
        return False
    data = {"status": target, "attempt": moved.attempt} | (note or {})
    session.add(JobEvent(job_id=job_id, number=moved.events, event="status", data=data, at=now))
    if target.is_final and moved.search_id:
        ended = {"number": moved.trial, "role": moved.search_role, "job_id": job_id, "status": target}
        _wake_search(session, moved.search_id, ended, now)
    return True


def _wake_search(session: Session, search_id: str, ended: dict[str, Any], now: datetime) -> None:
    """Make an open search due, and append the event of the trial that has ended, in the transaction that ends it."""
    query = update(Job).where(Job.id == search_id, Job.status.in_((JobStatus.QUEUED, JobStatus.RUNNING)))
    query = query.values(run_after=now, notified_at=None, events=Job.events + 1)
    number = session.execute(query.returning(Job.events)).scalar_one_or_none()
    if number is not None:
        session.add(JobEvent(job_id=search_id, number=number, event="trial", data=ended, at=now))


def fail_job(session: Session, job_id: str, reason: str, detail: str, *, claim: Claim | None) -> bool:
    """End a running job (with its claim) or a queued one (without) as failed, with the reason."""
    error = {"reason": reason, "detail": detail}
    only_from = JobStatus.RUNNING if claim else JobStatus.QUEUED
    return move(session, job_id, JobStatus.FAILED, claim=claim, only_from=only_from, note=error, error=error)


def cancel_job(session: Session, claim: Claim) -> bool:
    """End a running job as cancelled."""
    return move(session, claim.job_id, JobStatus.CANCELLED, claim=claim)


def requeue(session: Session, job_id: str, detail: str, *, claim: Claim, **columns: Any) -> bool:
    """Put a running job back in the queue, for which the dispatcher notifies the workers at its next tick."""
    return move(
        session,
        job_id,
        JobStatus.QUEUED,
        claim=claim,
        note={"detail": detail},
        lease_until=None,
        notified_at=None,
        **columns,
    )


def append_event(session: Session, claim: Claim, event: str, data: dict[str, Any]) -> bool:
    return append_events(session, claim, event, [data])


def append_events(session: Session, claim: Claim, event: str, items: Sequence[dict[str, Any]]) -> bool:
    query = update(Job).where(*is_current(claim)).values(events=Job.events + len(items))
    newest = session.execute(query.returning(Job.events)).scalar_one_or_none()
    if newest is None:
        return False
    now = database_now(session)
    session.add_all(
        JobEvent(job_id=claim.job_id, number=number, event=event, data=data, at=now)
        for number, data in enumerate(items, start=newest - len(items) + 1)
    )
    return True


def lock_current(session: Session, claim: Claim) -> bool:
    """Lock the job's row until the transaction ends. Returns False if the claim is no longer valid."""
    query = update(Job).where(*is_current(claim)).values(attempt=claim.attempt)
    return session.execute(query.returning(Job.id)).scalar_one_or_none() is not None


def is_current(claim: Claim) -> tuple[Any, ...]:
    """The conditions under which the claim is still valid."""
    return (Job.id == claim.job_id, Job.attempt == claim.attempt, Job.status == JobStatus.RUNNING)


def is_due(now: datetime) -> Any:
    """The condition that a queued or suspended job may run at `now`."""
    return or_(Job.run_after.is_(None), Job.run_after <= now)


def is_suspended() -> Any:
    """The condition that a running job waits, without a worker, until it is due."""
    return and_(Job.status == JobStatus.RUNNING, Job.lease_until.is_(None))


def is_held() -> Any:
    """The condition that a queued trial waits until its search has a place for it."""
    return Job.run_after.is_not_distinct_from(HELD)


def get_job(session: Session, job_id: str, *, locked: bool = False) -> Job:
    """Returns the job, with `locked` under a row lock until the transaction ends. Raises JobNotFound."""
    query = select(Job).where(Job.id == job_id).options(undefer(Job.result))
    query = query.with_for_update() if locked else query
    job = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if job is None:
        raise job_not_found(job_id)
    return job


def job_not_found(job_id: str) -> JobNotFound:
    return JobNotFound(f"There is no job {job_id}. GET /v1/jobs lists the jobs that there are.")
