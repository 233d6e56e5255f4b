"""What a client does with a job: submit it, look at it, cancel, retry, delete it. Each call is one transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer
from uuid_utils import uuid7

from app.db import Sessions, database_now
from app.errors import (
    DeviceNotPresent,
    IdempotencyKeyReused,
    JobAlreadyEnded,
    JobInUse,
    JobNotEnded,
    JobSucceeded,
    TooManyJobs,
)
from app.jobs.lifecycle import JobStatus
from app.jobs.overview import SILENT_AFTER
from app.jobs.specs import BackpropSweepSpec, MnistTrainingSpec, job_spec_adapter
from app.jobs.tables import Checkpoint, Job, JobEvent, Worker
from app.jobs.transitions import get_job, job_not_found, move
from app.registry.service import version_of_job


def submit(
    sessions: Sessions,
    spec: BackpropSweepSpec | MnistTrainingSpec,
    *,
    idempotency_key: str | None = None,
    max_queued: int = 10_000,
) -> tuple[Job, bool]:
    """The queued job, and whether it is new. The same key and spec give the first job again.

    Raises IdempotencyKeyReused where the key came with another spec, DeviceNotPresent where no worker could
    ever run the job, TooManyJobs where `max_queued` of its kind wait already.
    """
    job = Job(
        id=str(uuid7()),
        kind=spec.kind,
        status=JobStatus.QUEUED,
        spec=spec.model_dump(mode="json"),
        queue=spec.queue,
        idempotency_key=idempotency_key,
        events=1,
        result=None,
    )
    try:
        with sessions.writing() as session:
            if idempotency_key and (first := _by_key(session, idempotency_key)):
                return _same(first, spec), False
            now = database_now(session)
            if isinstance(spec, MnistTrainingSpec) and spec.device == "cuda":
                _require_worker_with(session, "cuda", now)
            _require_room(session, spec.kind, max_queued)
            job.created_at = job.hinted_at = now
            job.turn = now - spec.head_start
            session.add(job)
            session.flush()
            session.add(JobEvent(job_id=job.id, number=1, event="status", data={"status": job.status}, at=now))
    except IntegrityError:  # another request with this key committed first
        with sessions.reading() as session:
            if idempotency_key and (first := _by_key(session, idempotency_key)):
                return _same(first, spec), False
        raise
    return job, True


def get(sessions: Sessions, job_id: str) -> Job:
    """The job with its result. Raises JobNotFound."""
    with sessions.reading() as session:
        return get_job(session, job_id)


def list_(
    sessions: Sessions,
    *,
    kind: str | None = None,
    status: str | None = None,
    before: str | None = None,
    limit: int = 20,
) -> list[Job]:
    """Jobs without their results, newest first, older than the job `before`."""
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    for column, value in ((Job.kind, kind), (Job.status, status)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(Job.id < before)
    with sessions.reading() as session:
        return list(session.scalars(query))


def events(sessions: Sessions, job_id: str, *, after: int = 0, limit: int = 1000) -> tuple[list[JobEvent], bool]:
    """The job's events past number `after`, and whether there can be no more. Raises JobNotFound."""
    with sessions.reading() as session:
        found = session.execute(select(Job.status, Job.events).where(Job.id == job_id)).one_or_none()
        if found is None:
            raise job_not_found(job_id)
        after = min(after, found.events)  # a number past the end skips nothing that is still to come
        query = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.number > after)
        page = list(session.scalars(query.order_by(JobEvent.number).limit(limit)))
    newest = page[-1].number if page else after
    return page, JobStatus(found.status).is_final and newest >= found.events


def newest_events(sessions: Sessions, job_ids: list[str]) -> dict[str, tuple[int, bool]]:
    """For each of the jobs that is still there: the number of its newest event, and whether it has ended."""
    with sessions.reading() as session:
        found = session.execute(select(Job.id, Job.events, Job.status).where(Job.id.in_(job_ids)))
        return {row.id: (row.events, JobStatus(row.status).is_final) for row in found}


def cancel(sessions: Sessions, job_id: str) -> Job:
    """The job, cancelled if it was queued, asked to stop if it runs. Raises JobNotFound, JobAlreadyEnded."""
    with sessions.writing() as session:
        job = get_job(session, job_id, locked=True)
        if JobStatus(job.status).is_final:
            raise JobAlreadyEnded(
                f"Job {job_id} has already {job.status}; only a queued or running job can be cancelled."
            )
        if not move(session, job_id, JobStatus.CANCELLED, only_from=JobStatus.QUEUED):
            job.is_cancel_requested = True
        session.flush()
        return get_job(session, job_id)


def retry(sessions: Sessions, job_id: str, *, max_queued: int = 10_000) -> Job:
    """The failed or cancelled job, queued again with all its tries; it goes on from its last checkpoint.

    Raises JobNotFound, JobNotEnded, JobSucceeded, TooManyJobs.
    """
    with sessions.writing() as session:
        job = get_job(session, job_id, locked=True)
        status, now = JobStatus(job.status), database_now(session)
        if status is JobStatus.SUCCEEDED:
            raise JobSucceeded(f"Job {job_id} has succeeded: there is nothing to try again.")
        if not status.is_final:
            raise JobNotEnded(f"Job {job_id} is still {status}; only a failed or cancelled job can be tried again.")
        _require_room(session, job.kind, max_queued)
        head_start = job_spec_adapter.validate_python(job.spec).head_start
        fresh: dict[str, Any] = {"error": None, "finished_at": None, "not_before": None, "is_cancel_requested": False}
        move(
            session,
            job_id,
            JobStatus.QUEUED,
            only_from=status,
            charged_attempts=0,
            hinted_at=now,
            turn=now - head_start,
            **fresh,
        )
        session.flush()
        return get_job(session, job_id)


def delete(sessions: Sessions, job_id: str) -> list[str]:
    """Remove an ended job with its events and checkpoints; the names of the artifacts that nothing needs any more.

    Raises JobNotFound, JobNotEnded, JobInUse.
    """
    with sessions.writing() as session:
        job = get_job(session, job_id, locked=True)
        if not JobStatus(job.status).is_final:
            raise JobNotEnded(f"Job {job_id} is still {job.status}. Cancel it, wait for its end, then delete it.")
        if (version := version_of_job(session, job_id)) is not None:
            raise JobInUse(
                f"Model version {version} came from job {job_id}. DELETE /v1/models/{version} removes that first."
            )
        artifacts = list(session.scalars(select(Checkpoint.artifact).where(Checkpoint.job_id == job_id)))
        if curves := (job.result or {}).get("curves"):
            artifacts.append(curves["artifact"])
        session.delete(job)
        return artifacts


def _by_key(session: Session, key: str) -> Job | None:
    return session.scalars(select(Job).where(Job.idempotency_key == key).options(undefer(Job.result))).one_or_none()


def _same(first: Job, again: BackpropSweepSpec | MnistTrainingSpec) -> Job:
    if job_spec_adapter.validate_python(first.spec) != again:
        raise IdempotencyKeyReused(
            f"The Idempotency-Key was used before, for job {first.id}, with another body. Use a new key for a new job.",
            location="header.Idempotency-Key",
        )
    return first


def _require_room(session: Session, kind: str, max_queued: int) -> None:
    if session.get_bind().dialect.name == "postgresql":  # on SQLite there is one writer at a time anyway
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"queue:{kind}"))))
    waiting = select(func.count()).select_from(Job).where(Job.kind == kind, Job.status == JobStatus.QUEUED)
    if session.scalars(waiting).one() >= max_queued:
        raise TooManyJobs(f"{max_queued} jobs of kind {kind} are waiting already. Send this one again in a while.")


def _require_worker_with(session: Session, device: str, now: datetime) -> None:
    living = select(Worker.name).where(Worker.device == device, Worker.seen_at > now - SILENT_AFTER)
    if session.scalars(living.limit(1)).first() is None:
        raise DeviceNotPresent(
            f"No running worker has a {device} device. Ask for device 'auto' or 'cpu', or start a worker that has one.",
            location="body.device",
        )
