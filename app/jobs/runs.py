"""The use cases of a worker: claim a job, renew its lease, report events and checkpoints, and end or release it.

Every write names its attempt, so a worker that lost its job to another one can change nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db import Sessions, database_now
from app.errors import OriginGone
from app.jobs.lifecycle import JobStatus
from app.jobs.routing import GPU_WAIT_SECONDS, is_claimable
from app.jobs.specs.options import DAY_SECONDS
from app.jobs.tables import TRIAL, WINNER, Checkpoint, Job, JobEvent, Worker
from app.jobs.transitions import (
    MAX_ATTEMPTS,
    RETRY_DELAYS,
    Claim,
    append_event,
    append_events,
    cancel_job,
    fail_job,
    get_job,
    is_current,
    is_due,
    is_suspended,
    lock_current,
    move,
    requeue,
)


@dataclass(frozen=True)
class Lease:
    """Whether the claim is still valid, and whether a client asked to cancel the job."""

    is_held: bool
    is_cancel_requested: bool


def claim_next(
    sessions: Sessions,
    queue: str,
    *,
    lease_seconds: float,
    worker: str | None = None,
    gpu_wait_seconds: float = GPU_WAIT_SECONDS,
) -> Claim | None:
    """Claim the first due job that a worker of `queue` may run; the job belongs to that queue from then on.

    Returns None if there is none; concurrent claims get different jobs. Suspended jobs come first: their steps are
    short, and other jobs wait for them.
    """
    with sessions.writing() as session:
        now = database_now(session)
        is_open = is_claimable(queue, now, gpu_wait_seconds=gpu_wait_seconds)
        due = select(Job.id).where(is_open, is_due(now))
        first = due.order_by(Job.queue_order, Job.id).limit(1).with_for_update(skip_locked=True)
        lease = {"stepped_at": now, "worker": worker, "lease_until": now + timedelta(seconds=lease_seconds)}
        job_id = session.scalars(first.where(is_suspended())).one_or_none()
        if job_id is not None:  # its attempt is a new one since it was suspended
            session.execute(update(Job).where(Job.id == job_id).values(run_after=None, **lease))
            return _claim(get_job(session, job_id))
        job_id = session.scalars(first.where(Job.status == JobStatus.QUEUED)).one_or_none()
        if job_id is None:
            return None
        columns: dict[str, Any] = {"attempt": Job.attempt + 1, "run_after": None, "queue": queue} | lease
        if not move(session, job_id, JobStatus.RUNNING, only_from=JobStatus.QUEUED, **columns):
            return None
        job = get_job(session, job_id)
        job.started_at = job.started_at or now
        job.deadline = job.deadline or now + timedelta(seconds=job.spec.get("time_limit_seconds", DAY_SECONDS))
        return _claim(job)


def _claim(job: Job) -> Claim:
    roles = {"is_trial": job.search_role == TRIAL, "is_winner": job.search_role == WINNER}
    return Claim(job.id, job.attempt, job.kind, job.spec, **roles)


def suspend(sessions: Sessions, claim: Claim, *, seconds: float) -> bool:
    """Leave a running job without a worker until it is woken, or for `seconds`. Returns False if the claim is lost.

    The claim ends: the attempt is another one from then on. A job that was woken since it was claimed is due at once,
    and one that was to be cancelled ends cancelled.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        if get_job(session, claim.job_id).is_cancel_requested:
            return cancel_job(session, claim)
        columns: dict[str, Any] = {"attempt": Job.attempt + 1, "failed_attempts": 0, "worker": None}
        columns |= {"lease_until": None, "stepped_at": None}
        columns["run_after"] = func.coalesce(Job.run_after, database_now(session) + timedelta(seconds=seconds))
        session.execute(update(Job).where(Job.id == claim.job_id).values(**columns))
        return True


def renew(
    sessions: Sessions,
    claim: Claim,
    *,
    lease_seconds: float,
    progress: dict[str, Any] | None = None,
    has_stepped: bool = True,
) -> Lease:
    """Renew the lease for `lease_seconds`, and record the progress and whether the work has moved."""
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
    """Returns what `renew` would, without writing: cheap enough for every batch."""
    with sessions.reading() as session:
        found = session.execute(select(Job.is_cancel_requested).where(*is_current(claim))).scalar_one_or_none()
    return Lease(is_held=found is not None, is_cancel_requested=bool(found))


def report(sessions: Sessions, claim: Claim, event: str, data: dict[str, Any]) -> bool:
    """Append an event. Returns False if the claim is lost."""
    with sessions.writing() as session:
        return append_event(session, claim, event, data)


def report_all(sessions: Sessions, claim: Claim, event: str, items: Sequence[dict[str, Any]], *, first: int) -> bool:
    """Append the job's events of one name; the first of `items` is number `first` of that name, counted from 0.

    Skips those that the job has already, from an earlier attempt or from a commit that was not acknowledged. Returns
    False if the claim is lost.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        known = _count_events(session, claim.job_id, event)
        return append_events(session, claim, event, items[max(0, known - first) :])


def record_checkpoint(
    sessions: Sessions,
    claim: Claim,
    *,
    step: int,
    artifact: str,
    sha256: str,
    epochs: Sequence[dict[str, Any]] = (),
    progress: dict[str, Any] | None = None,
) -> bool:
    """Record a stored checkpoint, the epochs that it completes, and the progress. Returns False if the claim is lost.

    Does not append an epoch event twice: a run that resumes from an older checkpoint reaches its epochs again.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        known = _count_events(session, claim.job_id, "epoch")
        if new := [epoch for epoch in epochs if epoch["epoch"] > known]:
            append_events(session, claim, "epoch", new)
        now = database_now(session)
        session.merge(Checkpoint(job_id=claim.job_id, step=step, artifact=artifact, sha256=sha256, at=now))
        if progress is not None:
            get_job(session, claim.job_id).progress = progress
        return True


def checkpoints(sessions: Sessions, job_id: str) -> list[Checkpoint]:
    """Returns the job's checkpoints, latest first."""
    query = select(Checkpoint).where(Checkpoint.job_id == job_id).order_by(Checkpoint.step.desc())
    with sessions.reading() as session:
        return list(session.scalars(query))


@dataclass(frozen=True)
class Origin:
    """The training that a retry with changes continues: its spec, the checkpoint to begin from, the epochs up to it."""

    spec: dict[str, Any]
    checkpoint: Checkpoint
    epochs: list[dict[str, Any]]


def find_origin(sessions: Sessions, job_id: str) -> Origin | None:
    """Returns what the job continues; None if it begins anew. Raises OriginGone if that was deleted meanwhile."""
    with sessions.reading() as session:
        origin = session.scalars(select(Job.origin).where(Job.id == job_id)).one()
        if not origin or not origin["step"]:
            return None
        job, checkpoint = session.get(Job, origin["job"]), session.get(Checkpoint, (origin["job"], origin["step"]))
        if job is None or checkpoint is None:
            raise OriginGone(f"The checkpoint of job {origin['job']} at batch {origin['step']} was deleted.")
        epochs = select(JobEvent.data).where(JobEvent.job_id == job.id, JobEvent.event == "epoch")
        return Origin(job.spec, checkpoint, list(session.scalars(epochs.order_by(JobEvent.number))))


def continued_from(sessions: Sessions, job_id: str) -> dict[str, Any] | None:
    """Returns the {job, step} of the other job's checkpoint that the job continues; None if it began anew."""
    with sessions.reading() as session:
        origin = session.scalars(select(Job.origin).where(Job.id == job_id)).one()
        return {"job": origin["job"], "step": origin["step"]} if origin and origin["step"] else None


def begin_anew(sessions: Sessions, claim: Claim, why: str) -> bool:
    """Record that the job does not continue the checkpoint that it was to continue. Returns False if the claim is lost.

    So its `origin` says to the end what its weights came from.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        job = get_job(session, claim.job_id)
        if job.origin and job.origin["step"]:
            job.origin = job.origin | {"step": 0, "why": why}
        return append_event(session, claim, "log", {"message": why})


def succeed(sessions: Sessions, claim: Claim, finish: Callable[[Session], dict[str, Any]]) -> bool:
    """End the job as succeeded. `finish` returns the result; its writes are part of the same transaction.

    A job that was to be cancelled ends cancelled instead.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        if get_job(session, claim.job_id).is_cancel_requested:
            return cancel_job(session, claim)
        result = finish(session)
        stored_bytes = (result.get("curves") or {}).get("size", 0)
        return move(session, claim.job_id, JobStatus.SUCCEEDED, claim=claim, result=result, stored_bytes=stored_bytes)


def fail(sessions: Sessions, claim: Claim, *, reason: str, detail: str) -> bool:
    """End the job as failed, with the reason."""
    with sessions.writing() as session:
        return fail_job(session, claim.job_id, reason, detail, claim=claim)


def end_cancelled(sessions: Sessions, claim: Claim) -> bool:
    """End a running job as cancelled."""
    with sessions.writing() as session:
        return cancel_job(session, claim)


def release(sessions: Sessions, claim: Claim, *, counts_as_failure: bool, detail: str, reason: str = "error") -> bool:
    """Put a running job back in the queue, after a failure with a delay. Returns False if the claim is lost.

    A job that was to be cancelled ends cancelled instead, and one whose last attempt failed ends failed, with `reason`.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        job = get_job(session, claim.job_id)
        if job.is_cancel_requested:
            return cancel_job(session, claim)
        if not counts_as_failure:
            return requeue(session, claim.job_id, detail, claim=claim)
        failed = job.failed_attempts + 1
        if failed >= MAX_ATTEMPTS:
            return fail_job(session, claim.job_id, reason, detail, claim=claim)
        run_after = database_now(session) + RETRY_DELAYS[failed - 1]
        return requeue(session, claim.job_id, detail, claim=claim, run_after=run_after, failed_attempts=failed)


def claim_of(sessions: Sessions, worker: str) -> Claim | None:
    """Returns the claim of the job that the worker process `worker` is running, if it is running one."""
    query = select(Job).where(Job.worker == worker, Job.status == JobStatus.RUNNING).order_by(Job.id.desc()).limit(1)
    with sessions.reading() as session:
        job = session.scalars(query).first()
    return None if job is None else Claim(job.id, job.attempt, job.kind, job.spec)


def _count_events(session: Session, job_id: str, event: str) -> int:
    counting = select(func.count()).select_from(JobEvent)
    return session.scalars(counting.where(JobEvent.job_id == job_id, JobEvent.event == event)).one()


def report_alive(
    sessions: Sessions,
    name: str,
    *,
    device: str,
    version: str,
    gpu_name: str | None = None,
    gpu_memory_bytes: int | None = None,
) -> None:
    """Record that the worker `name` is alive, with its device, its GPU if known, and the version of its program."""
    gpu = {"gpu_name": gpu_name, "gpu_memory_bytes": gpu_memory_bytes}
    with sessions.writing() as session:
        session.merge(Worker(name=name, device=device, version=version, seen_at=database_now(session), **gpu))
