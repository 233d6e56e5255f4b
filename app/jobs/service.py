"""What a client does with a job: submit it, look at it, cancel it. Each call is one committed transaction."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer
from uuid_utils import uuid7

from app.db import Sessions, database_now
from app.errors import DeviceNotPresent, IdempotencyKeyReused, JobAlreadyEnded
from app.jobs.lifecycle import JobStatus
from app.jobs.specs import BackpropSweepSpec, MnistTrainingSpec
from app.jobs.tables import Job, JobEvent, Worker
from app.jobs.transitions import get_job, job_not_found, move

WORKER_SILENT_AFTER = timedelta(seconds=60)


def submit(
    sessions: Sessions, spec: BackpropSweepSpec | MnistTrainingSpec, *, idempotency_key: str | None = None
) -> tuple[Job, bool]:
    """The queued job, and whether it is new. The same key and spec give the first job again.

    Raises IdempotencyKeyReused where the key came with another spec, DeviceNotPresent where no worker could
    ever run the job.
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
                return _same(first, job), False
            now = database_now(session)
            if isinstance(spec, MnistTrainingSpec) and spec.device == "cuda":
                _require_worker_with(session, "cuda", now)
            job.created_at = job.hinted_at = now
            session.add(job)
            session.flush()
            session.add(JobEvent(job_id=job.id, number=1, event="status", data={"status": job.status}, at=now))
    except IntegrityError:  # another request with this key committed first
        with sessions.reading() as session:
            if idempotency_key and (first := _by_key(session, idempotency_key)):
                return _same(first, job), False
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


def cancel(sessions: Sessions, job_id: str) -> Job:
    """The job, cancelled if it was queued, asked to stop if it runs. Raises JobNotFound, JobAlreadyEnded."""
    with sessions.writing() as session:
        if not move(
            session, job_id, JobStatus.CANCELLED, only_from=JobStatus.QUEUED, finished_at=database_now(session)
        ):
            job = get_job(session, job_id)
            if JobStatus(job.status).is_final:
                raise JobAlreadyEnded(
                    f"Job {job_id} has already {job.status}; only a queued or running job can be cancelled."
                )
            job.is_cancel_requested = True
        session.flush()
        return get_job(session, job_id)


def _by_key(session: Session, key: str) -> Job | None:
    return session.scalars(select(Job).where(Job.idempotency_key == key).options(undefer(Job.result))).one_or_none()


def _same(first: Job, again: Job) -> Job:
    if first.spec != again.spec:
        raise IdempotencyKeyReused(
            f"The Idempotency-Key was used before, for job {first.id}, with another body. Use a new key for a new job.",
            location="header.Idempotency-Key",
        )
    return first


def _require_worker_with(session: Session, device: str, now: datetime) -> None:
    living = select(Worker.name).where(Worker.device == device, Worker.seen_at > now - WORKER_SILENT_AFTER)
    if session.scalars(living.limit(1)).first() is None:
        raise DeviceNotPresent(
            f"No running worker has a {device} device. Ask for device 'auto' or 'cpu', or start a worker that has one.",
            location="body.device",
        )
