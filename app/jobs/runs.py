"""What a worker does with a job: claim it, hold on to it, report, and say how it ended.

Every write names the attempt that it belongs to, so a worker that was given up for dead can change nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import Sessions, database_now
from app.jobs.lifecycle import JobStatus
from app.jobs.tables import Checkpoint, Job, JobEvent, Worker
from app.jobs.transitions import (
    MAX_ATTEMPTS,
    Claim,
    append_event,
    append_events,
    cancel_job,
    fail_job,
    get_job,
    is_current,
    lock_current,
    move,
    requeue,
)


@dataclass(frozen=True)
class Lease:
    """What a renewal says: is the claim still good, and has somebody asked to cancel?"""

    is_held: bool
    is_cancel_requested: bool


def claim(sessions: Sessions, job_id: str, *, lease_seconds: float) -> Claim | None:
    """Take a queued job: one of any number of claimants gets it, the others get None."""
    with sessions.writing() as session:
        now = database_now(session)
        moved = move(
            session,
            job_id,
            JobStatus.RUNNING,
            attempt=Job.attempt + 1,
            charged_attempts=Job.charged_attempts + 1,
            lease_until=now + timedelta(seconds=lease_seconds),
        )
        if not moved:
            return None
        job = get_job(session, job_id)
        job.started_at = job.started_at or now
        return Claim(job.id, job.attempt, job.kind, job.spec)


def renew(sessions: Sessions, claim: Claim, *, lease_seconds: float, progress: dict[str, Any] | None) -> Lease:
    """Hold on to the job for another `lease_seconds`, and say how far it has come."""
    with sessions.writing() as session:
        until = database_now(session) + timedelta(seconds=lease_seconds)
        columns: dict[str, Any] = {"lease_until": until} | ({"progress": progress} if progress else {})
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


def report_all(sessions: Sessions, claim: Claim, event: str, items: Sequence[dict[str, Any]]) -> bool:
    """Append several events of one name at once; False if the claim is lost."""
    with sessions.writing() as session:
        return append_events(session, claim, event, items)


def checkpointed(
    sessions: Sessions, claim: Claim, *, step: int, artifact: str, sha256: str, epoch: dict[str, Any] | None = None
) -> bool:
    """Record a checkpoint that is safely stored and, with it, the epoch it completes; False if the claim is lost.

    A step that was recorded before (a later checkpoint was damaged, so it was reached again) reports no second epoch.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        if epoch and session.get(Checkpoint, (claim.job_id, step)) is None:
            append_event(session, claim, "epoch", epoch)
        now = database_now(session)
        session.merge(Checkpoint(job_id=claim.job_id, step=step, artifact=artifact, sha256=sha256, at=now))
        return True


def checkpoints(sessions: Sessions, job_id: str) -> list[Checkpoint]:
    """The job's checkpoints, the latest first."""
    query = select(Checkpoint).where(Checkpoint.job_id == job_id).order_by(Checkpoint.step.desc())
    with sessions.reading() as session:
        return list(session.scalars(query))


def reported(sessions: Sessions, job_id: str, event: str) -> list[dict[str, Any]]:
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
        result = finish(session)
        now = database_now(session)
        return move(
            session, claim.job_id, JobStatus.SUCCEEDED, claim=claim, result=result, finished_at=now, lease_until=None
        )


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
        if get_job(session, claim.job_id).charged_attempts >= MAX_ATTEMPTS:
            return fail_job(session, claim.job_id, "error", detail, claim=claim)
        return requeue(session, claim.job_id, detail, claim=claim)


def appear(sessions: Sessions, name: str, device: str) -> None:
    """Note that the worker `name` lives and has `device`."""
    with sessions.writing() as session:
        session.merge(Worker(name=name, device=device, seen_at=database_now(session)))
