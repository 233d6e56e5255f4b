"""The use cases of a client: submit, read, cancel, retry and delete jobs. Each call is one transaction."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Text, cast, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from app.db import Sessions, database_now
from app.errors import (
    CurvesNotThere,
    DeviceNotPresent,
    IdempotencyKeyReused,
    InvalidInput,
    JobAlreadyEnded,
    JobInUse,
    JobNotEnded,
    JobSucceeded,
    TooManyJobs,
)
from app.jobs.inputs import resolve_inputs
from app.jobs.lifecycle import JobStatus
from app.jobs.quotas import FindQuota, Quota, require_space
from app.jobs.routing import choose_queue, has_worker_with, notice_for
from app.jobs.specs import JobSpec, ReproductionSpec, job_spec_adapter
from app.jobs.specs.training import CUDA_QUEUE
from app.jobs.tables import TRIAL, Checkpoint, Job, JobEvent, JobTag
from app.jobs.transitions import IMPOSSIBLE, get_job, job_not_found, move
from app.registry.service import get as get_version
from app.registry.service import version_of_job
from app.storage import Artifact

MAX_PAGE_BYTES = 8 * 2**20  # of the specs in one page of jobs; a spec takes up to 4 MB
FETCHED_JOBS = 10  # at once from the database, for a page


class JobPage(NamedTuple):
    """Jobs in order, and whether there are more."""

    jobs: list[Job]
    has_more: bool


class JobDocument(NamedTuple):
    """A job, its result as the JSON that the database holds, and of a training the epochs so far."""

    job: Job
    result: str | None
    epochs: list[dict[str, Any]] | None


def submit(
    sessions: Sessions,
    spec: JobSpec,
    *,
    idempotency_key: str | None = None,
    max_queued: int = 10_000,
    quota: Quota | None = None,
) -> tuple[Job, bool]:
    """Queue a job. Returns it without its result, and whether it is new: a repeated key with the same spec returns the
    first job.

    Raises IdempotencyKeyReused if the key came with another spec, ModelNotFound or InvalidInput for the reproduction of
    a version that cannot be trained again, and what `insert` raises.
    """
    if isinstance(spec, ReproductionSpec):
        spec = _complete(sessions, spec)
    job = build(spec, idempotency_key=idempotency_key)
    try:
        with sessions.writing() as session:
            if first := _find_first(session, idempotency_key, spec):
                return first, False
            insert(session, job, spec, max_queued=max_queued, quota=quota)
    except IntegrityError:  # another request with this key committed first
        with sessions.reading() as session:
            if first := _find_first(session, idempotency_key, spec):
                return first, False
        raise
    return job, True


def build(
    spec: JobSpec,
    *,
    idempotency_key: str | None = None,
    origin: dict[str, Any] | None = None,
    inputs: dict[str, Any] | None = None,
) -> Job:
    """Returns a job for `insert`, which finds the `inputs` if none are given. Raises InvalidInput if the spec makes no
    sense."""
    spec.require_sense()
    return Job(
        id=str(uuid7()),
        kind=spec.kind,
        status=JobStatus.QUEUED,
        name=spec.name,
        spec=spec.model_dump(mode="json"),
        origin=origin,
        inputs=inputs,
        queue=spec.queue,
        idempotency_key=idempotency_key,
        events=1,
        stored_bytes=spec.stored_bytes,
        result=None,
    )


def insert(session: Session, job: Job, spec: JobSpec, *, max_queued: int, quota: Quota | None) -> None:
    """Queue a built job, with its first event, in the caller's transaction.

    Raises DeviceNotPresent if no live worker has the device that the spec requires, InvalidInput if there is no data
    set or version that the spec names, TooManyJobs if `max_queued` jobs of the kind are queued, QuotaReached if the
    files of this one would exceed the quota.
    """
    now = database_now(session)
    if spec.required_device:
        _require_worker_with(session, spec.required_device, now)
    _require_capacity(session, spec.kind, max_queued)
    require_space(session, spec.kind, spec.stored_bytes, quota)
    if job.inputs is None:
        job.inputs = resolve_inputs(session, spec)
    job.created_at = job.notified_at = now
    job.queue_order = now - spec.head_start
    job.queue = choose_queue(session, spec, now)
    session.add(job)
    session.flush()
    session.add(JobEvent(job_id=job.id, number=1, event="status", data={"status": job.status}, at=now))
    session.add_all(JobTag(job_id=job.id, tag=tag) for tag in set(spec.tags))


def get(sessions: Sessions, job_id: str) -> Job:
    """Returns the job with its result. Raises JobNotFound."""
    with sessions.reading() as session:
        return get_job(session, job_id)


def get_document(sessions: Sessions, job_id: str) -> JobDocument:
    """Returns the job with its result and its epochs. Raises JobNotFound."""
    with sessions.reading() as session:
        row = session.execute(select(Job, cast(Job.result, Text)).where(Job.id == job_id)).one_or_none()
        if row is None:
            raise job_not_found(job_id)
        job, result = row
        if job.kind != "mnist_training":
            return JobDocument(job, result, None)
        epochs = select(JobEvent.data).where(JobEvent.job_id == job_id, JobEvent.event == "epoch")
        return JobDocument(job, result, list(session.scalars(epochs.order_by(JobEvent.number))))


def find_notice(sessions: Sessions, job: Job) -> str | None:
    """Returns why a queued job cannot run now, None if it can."""
    if job.status != JobStatus.QUEUED or job.queue != CUDA_QUEUE:
        return None  # without asking the database
    with sessions.reading() as session:
        return notice_for(session, job)


def find_curves(sessions: Sessions, job_id: str) -> Artifact | None:
    """Returns the file that holds all points of a sweep's curves; None if its result holds them.

    The result itself, megabytes of JSON, is not read. Raises JobNotFound; CurvesNotThere if no sweep has succeeded.
    """
    curves_of_result = Job.result["curves"].label("curves")
    query = select(Job.kind, Job.status, Job.stored_bytes, curves_of_result).where(Job.id == job_id)
    with sessions.reading() as session:
        found = session.execute(query).one_or_none()
    if found is None:
        raise job_not_found(job_id)
    if found.kind != "backprop_sweep" or found.status != JobStatus.SUCCEEDED:
        raise CurvesNotThere(
            f"Job {job_id} is a {found.kind} that is {found.status}; only a sweep that has succeeded has curves."
        )
    curves = found.curves
    if curves and not found.stored_bytes:
        raise CurvesNotThere(
            f"The curves of job {job_id} were removed because of their age (NUMERAL_CURVES_DAYS). Its result keeps the "
            "downsampled ones; the same spec gives the same curves again."
        )
    return Artifact(curves["artifact"], curves["sha256"], curves["size"]) if curves else None


def list_(
    sessions: Sessions,
    *,
    kind: str | None = None,
    status: str | None = None,
    name: str | None = None,
    tag: str | None = None,
    before: str | None = None,
    limit: int = 20,
) -> JobPage:
    """Returns jobs without their results, newest first, older than the job `before`.

    A page ends early where its specs would exceed MAX_PAGE_BYTES.
    """
    query = select(Job).order_by(Job.id.desc()).limit(limit + 1)
    for column, value in ((Job.kind, kind), (Job.status, status), (Job.name, name)):
        if value is not None:
            query = query.where(column == value)
    if tag is not None:
        query = query.join(JobTag, JobTag.job_id == Job.id).where(JobTag.tag == tag)
    if before is not None:
        query = query.where(Job.id < before)
    page: list[Job] = []
    size = 0
    query = query.execution_options(yield_per=FETCHED_JOBS)
    with sessions.reading() as session, closing(session.scalars(query)) as jobs:
        for job in jobs:
            size += len(orjson.dumps(job.spec))
            if page and (size > MAX_PAGE_BYTES or len(page) == limit):
                return JobPage(page, has_more=True)
            page.append(job)
    return JobPage(page, has_more=False)


def cancel(sessions: Sessions, job_id: str) -> Job:
    """Cancel a queued job, or ask a running one to stop. Returns it. Raises JobNotFound, JobAlreadyEnded."""
    with sessions.writing() as session:
        job = get_job(session, job_id, locked=True)
        if JobStatus(job.status).is_final:
            raise JobAlreadyEnded(
                f"Job {job_id} has ended already: it is {job.status}. Only a queued or running job can be cancelled."
            )
        is_suspended = job.status == JobStatus.RUNNING and job.lease_until is None
        if not move(session, job_id, JobStatus.CANCELLED, only_from=None if is_suspended else JobStatus.QUEUED):
            job.is_cancel_requested = True
        session.flush()
        return get_job(session, job_id)


def retry(sessions: Sessions, job_id: str, *, max_queued: int = 10_000, quota: FindQuota | None = None) -> Job:
    """Queue a failed or cancelled job again, with all its attempts; it resumes from its last checkpoint. Returns it.

    Of a search, in whatever way it ended, the trials that failed or were cancelled are queued with it. Its winner is
    not: which one that is, the search decides anew.

    Raises JobNotFound, JobNotEnded, JobSucceeded, JobInUse for a trial, TooManyJobs, QuotaReached.
    """
    with sessions.writing() as session:
        job = get_job(session, job_id, locked=True)
        _refuse_trial(job, "POST /v1/jobs/{}/retry runs all its failed trials again.")
        ended = _trials(session, job_id, (JobStatus.FAILED, JobStatus.CANCELLED))
        failed = [one for one in ended if one.search_role == TRIAL and not _is_impossible(one)]
        status = JobStatus(job.status)
        if not status.is_final:
            raise JobNotEnded(f"Job {job_id} is still {status}; only a failed or cancelled job can be tried again.")
        require_trials_ended(session, job_id)
        if status is JobStatus.SUCCEEDED and not failed:
            raise JobSucceeded(f"Job {job_id} has succeeded: there is nothing to try again.")
        for one in (job, *failed):
            queue_again(session, one, max_queued=max_queued, quota=quota)
        session.flush()
        return get_job(session, job_id)


def queue_again(session: Session, job: Job, *, max_queued: int, quota: FindQuota | None, **columns: Any) -> None:
    """Queue an ended job again, with these columns changed. Raises TooManyJobs, QuotaReached."""
    now = database_now(session)
    _require_capacity(session, job.kind, max_queued)
    require_space(session, job.kind, job.stored_bytes, quota and quota(job.kind))
    fresh: dict[str, Any] = {
        "error": None,
        "failed_attempts": 0,
        "finished_at": None,
        "is_cancel_requested": False,
        "notified_at": None,  # the dispatcher notifies at its next tick, if nobody does before
        "queue_order": now - job_spec_adapter.validate_python(job.spec).head_start,
        "result": None,
        "run_after": None,
    }
    move(session, job.id, JobStatus.QUEUED, only_from=JobStatus(job.status), **(fresh | columns))


def delete(sessions: Sessions, job_id: str) -> list[str]:
    """Delete an ended job with its events and checkpoints, a search with its trials. Returns the artifacts' names.

    Raises JobNotFound, JobNotEnded, JobInUse.
    """
    with sessions.writing() as session:
        job = get_job(session, job_id, locked=True)
        _refuse_trial(job, "DELETE /v1/jobs/{} removes the whole search.")
        artifacts: list[str] = []
        for one in (job, *_trials(session, job_id)):
            artifacts += _artifacts_of_ended(session, one)
            session.delete(one)
        return artifacts


def _complete(sessions: Sessions, spec: ReproductionSpec) -> ReproductionSpec:
    """Returns the spec with the version that it means, and the device on which that was trained if it names none."""
    version, _ = get_version(sessions, spec.version)
    missing = [name for name in ("recipe", "seed", "dataset", "weights_sha256", "epochs") if name not in version.card]
    if missing:
        raise InvalidInput(
            f"Version {version.number} cannot be trained again: its card does not say {', '.join(missing)}.",
            location="body.version",
        )
    if origin := version.card.get("origin"):
        raise InvalidInput(
            f"Version {version.number} cannot be trained again from its card: its training continued job "
            f"{origin['job']} from the checkpoint at batch {origin['step']}.",
            location="body.version",
        )
    device = "cuda" if str(version.card.get("device")).startswith("cuda") else "cpu"
    return spec.model_copy(update={"version": str(version.number), "device": spec.device or device})


def _artifacts_of_ended(session: Session, job: Job) -> list[str]:
    """Returns the names of the artifacts that would go with an ended job. Raises JobNotEnded, JobInUse."""
    if not JobStatus(job.status).is_final:
        raise JobNotEnded(f"Job {job.id} is still {job.status}. Cancel it, wait for its end, then delete it.")
    if (version := version_of_job(session, job.id)) is not None:
        raise JobInUse(
            f"Model version {version} came from job {job.id}. DELETE /v1/models/{version} removes that first."
        )
    artifacts = list(session.scalars(select(Checkpoint.artifact).where(Checkpoint.job_id == job.id)))
    if curves := (job.result or {}).get("curves"):
        artifacts.append(curves["artifact"])
    return artifacts


def _trials(session: Session, search_id: str, statuses: Sequence[JobStatus] = tuple(JobStatus)) -> Sequence[Job]:
    """Returns the jobs that belong to a search and have one of these statuses."""
    query = select(Job).where(Job.search_id == search_id, Job.status.in_(statuses))
    return session.scalars(query.order_by(Job.trial)).all()


def require_trials_ended(session: Session, search_id: str) -> None:
    """Raise JobNotEnded if a job of the ended search has not: its end would count for the search's next run."""
    for one in _trials(session, search_id, (JobStatus.QUEUED, JobStatus.RUNNING)):
        raise JobNotEnded(f"Job {one.id} of search {search_id} is still {one.status}. Wait for its end.")


def _is_impossible(trial: Job) -> bool:
    return trial.error is not None and trial.error["reason"] == IMPOSSIBLE


def _refuse_trial(job: Job, advice: str) -> None:
    """Raise JobInUse if the job belongs to a search."""
    if job.search_id is not None:
        raise JobInUse(f"Job {job.id} belongs to search {job.search_id}. {advice.format(job.search_id)}")


def _find_first(session: Session, key: str | None, spec: JobSpec) -> Job | None:
    """Returns the job of an earlier request with this key. Raises IdempotencyKeyReused if its spec was another."""
    if key is None:
        return None
    first = session.scalars(select(Job).where(Job.idempotency_key == key)).one_or_none()
    if first is not None and job_spec_adapter.validate_python(first.spec) != spec:
        raise IdempotencyKeyReused(
            f"The Idempotency-Key was used before, for job {first.id}, with another body. Use a new key for a new job.",
            location="header.Idempotency-Key",
        )
    return first


def _require_capacity(session: Session, kind: str, max_queued: int) -> None:
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"queue:{kind}"))))
    waiting = select(func.count()).select_from(Job).where(Job.kind == kind, Job.status == JobStatus.QUEUED)
    if session.scalars(waiting).one() >= max_queued:
        raise TooManyJobs(f"{max_queued} jobs of kind {kind} are waiting already. Send this one again in a while.")


def _require_worker_with(session: Session, device: str, now: datetime) -> None:
    if not has_worker_with(session, device, now):
        raise DeviceNotPresent(
            f"No running worker has a {device} device. Ask for device 'auto' or 'cpu', or start a worker that has one.",
            location="body.device",
        )
