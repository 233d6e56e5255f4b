"""What a worker does with a job: claim it, hold on to it, report, and say how it ended.

Every write names the attempt that it belongs to, so a worker that was given up for dead can change nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db import Sessions, database_now
from app.jobs.lifecycle import JobStatus
from app.jobs.specs.options import DAY
from app.jobs.tables import Checkpoint, Job, JobEvent, Worker
from app.jobs.transitions import (
    MAX_ATTEMPTS,
    RESTS,
    Claim,
    append_event,
    append_events,
    cancel_job,
    fail_job,
    get_job,
    is_current,
    is_rested,
    lock_current,
    move,
    requeue,
)


@dataclass(frozen=True)
class Lease:
    """What a renewal says: is the claim still good, and has somebody asked to cancel?"""

    is_held: bool
    is_cancel_requested: bool


def claim(sessions: Sessions, job_id: str, *, lease_seconds: float, worker: str | None = None) -> Claim | None:
    """Take a queued job: one of any number of claimants gets it, the others get None."""
    with sessions.writing() as session:
        return _claim(session, job_id, lease_seconds, worker)


def claim_in_turn(sessions: Sessions, job_id: str, *, lease_seconds: float, worker: str | None = None) -> Claim | None:
    """Take the job whose turn it is in the queue of `job_id`; None where nothing waits there.

    A hint names a job, but means: there is work in its queue. Priorities are kept although hints arrive in any order.
    """
    with sessions.writing() as session:
        hinted = select(Job.queue).where(Job.id == job_id).scalar_subquery()
        waiting = select(Job.id).where(Job.status == JobStatus.QUEUED, Job.queue == hinted)
        waiting = waiting.where(is_rested(database_now(session))).order_by(Job.turn, Job.id).limit(1)
        chosen = session.scalars(waiting.with_for_update(skip_locked=True)).one_or_none()
        return _claim(session, chosen, lease_seconds, worker) if chosen else None


def _claim(session: Session, job_id: str, lease_seconds: float, worker: str | None) -> Claim | None:
    now = database_now(session)
    moved = move(
        session,
        job_id,
        JobStatus.RUNNING,
        only_from=JobStatus.QUEUED,
        attempt=Job.attempt + 1,
        charged_attempts=Job.charged_attempts + 1,
        lease_until=now + timedelta(seconds=lease_seconds),
        stepped_at=now,
        worker=worker,
    )
    if not moved:
        return None
    job = get_job(session, job_id)
    job.started_at = job.started_at or now
    job.deadline = job.deadline or now + timedelta(seconds=job.spec.get("time_limit_seconds", DAY))
    return Claim(job.id, job.attempt, job.kind, job.spec)


def renew(
    sessions: Sessions,
    claim: Claim,
    *,
    lease_seconds: float,
    progress: dict[str, Any] | None = None,
    has_stepped: bool = True,
) -> Lease:
    """Hold on to the job for another `lease_seconds`; say how far it has come, and whether anything moved at all."""
    with sessions.writing() as session:
        now = database_now(session)
        columns: dict[str, Any] = {"lease_until": now + timedelta(seconds=lease_seconds)}
        columns |= {"progress": progress} if progress else {}
        columns |= {"stepped_at": now} if has_stepped else {}
        renewed = session.execute(
            update(Job).where(*is_current(claim)).values(**columns).returning(Job.is_cancel_requested)
        ).scalar_one_or_none()
    return Lease(is_held=renewed is not None, is_cancel_requested=bool(renewed))


def check(sessions: Sessions, claim: Claim) -> Lease:
    """What `renew` would say, without writing: cheap enough for every batch."""
    with sessions.reading() as session:
        found = session.execute(select(Job.is_cancel_requested).where(*is_current(claim))).scalar_one_or_none()
    return Lease(is_held=found is not None, is_cancel_requested=bool(found))


def report(sessions: Sessions, claim: Claim, event: str, data: dict[str, Any]) -> bool:
    """Append an event; False if the claim is lost."""
    with sessions.writing() as session:
        return append_event(session, claim, event, data)


def report_all(sessions: Sessions, claim: Claim, event: str, items: Sequence[dict[str, Any]], *, first: int) -> bool:
    """Append the job's events of one name from number `first` (from 0) on, in one transaction, less those that it has:
    from an earlier try, or from a commit whose answer was lost. False if the claim is lost."""
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        known = _count_events(session, claim.job_id, event)
        return append_events(session, claim, event, items[max(0, known - first) :])


def record_checkpoint(
    sessions: Sessions, claim: Claim, *, step: int, artifact: str, sha256: str, epoch: dict[str, Any] | None = None
) -> bool:
    """Record a checkpoint that is safely stored and, with it, the epoch it completes; False if the claim is lost.

    An epoch that was reported before (a later checkpoint was damaged, so it was reached again) is not reported twice.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        if epoch and epoch["epoch"] > _count_events(session, claim.job_id, "epoch"):
            append_event(session, claim, "epoch", epoch)
        now = database_now(session)
        session.merge(Checkpoint(job_id=claim.job_id, step=step, artifact=artifact, sha256=sha256, at=now))
        return True


def checkpoints(sessions: Sessions, job_id: str) -> list[Checkpoint]:
    """The job's checkpoints, the latest first."""
    query = select(Checkpoint).where(Checkpoint.job_id == job_id).order_by(Checkpoint.step.desc())
    with sessions.reading() as session:
        return list(session.scalars(query))


def event_data(sessions: Sessions, job_id: str, event: str) -> list[dict[str, Any]]:
    """The data of all the job's events of one name, in order."""
    query = select(JobEvent.data).where(JobEvent.job_id == job_id, JobEvent.event == event)
    with sessions.reading() as session:
        return list(session.scalars(query.order_by(JobEvent.number)))


def succeed(sessions: Sessions, claim: Claim, finish: Callable[[Session], dict[str, Any]]) -> bool:
    """End the job well. `finish` gives the result; what it writes stands or falls with the job's success.

    Where the client has asked to cancel in the meantime, the job ends cancelled instead.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        if get_job(session, claim.job_id).is_cancel_requested:
            return cancel_job(session, claim)
        return move(session, claim.job_id, JobStatus.SUCCEEDED, claim=claim, result=finish(session))


def fail(sessions: Sessions, claim: Claim, *, reason: str, detail: str) -> bool:
    """End the job with the reason why it cannot be done."""
    with sessions.writing() as session:
        return fail_job(session, claim.job_id, reason, detail, claim=claim)


def end_cancelled(sessions: Sessions, claim: Claim) -> bool:
    """End a running job as its client asked."""
    with sessions.writing() as session:
        return cancel_job(session, claim)


def give_back(sessions: Sessions, claim: Claim, *, charge: bool, detail: str) -> bool:
    """Put a running job back in the queue. It fails instead after its last charged try, or ends if it was cancelled."""
    with sessions.writing() as session:
        if get_job(session, claim.job_id).is_cancel_requested:
            return cancel_job(session, claim)
        if not charge:
            return requeue(session, claim.job_id, detail, claim=claim, charged_attempts=Job.charged_attempts - 1)
        charged = get_job(session, claim.job_id).charged_attempts
        if charged >= MAX_ATTEMPTS:
            return fail_job(session, claim.job_id, "error", detail, claim=claim)
        rested = database_now(session) + RESTS[charged - 1]
        return requeue(session, claim.job_id, detail, claim=claim, not_before=rested)


def _count_events(session: Session, job_id: str, event: str) -> int:
    counting = select(func.count()).select_from(JobEvent)
    return session.scalars(counting.where(JobEvent.job_id == job_id, JobEvent.event == event)).one()


def report_alive(sessions: Sessions, name: str, *, device: str, version: str) -> None:
    """Note that the worker `name` lives, has `device` and runs this version of the program."""
    with sessions.writing() as session:
        session.merge(Worker(name=name, device=device, version=version, seen_at=database_now(session)))
