"""The use cases of a client that change jobs: submit, cancel, delete; `retries.py` has the retries, `queries.py` what
clients read. Each call is one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from app.db import Sessions, database_now
from app.errors import (
    DeviceNotPresent,
    IdempotencyKeyReused,
    InvalidInput,
    JobAlreadyEnded,
    JobInUse,
    JobNotEnded,
    ModelNotFound,
    TooManyJobs,
)
from app.jobs.inputs import require_inputs, resolve_inputs
from app.jobs.lifecycle import JobStatus
from app.jobs.quotas import FindQuota, Quota, require_space, stored_checkpoint_bytes
from app.jobs.routing import choose_queue, has_worker_with
from app.jobs.specs import JobSpec, ReproductionSpec, job_spec_adapter
from app.jobs.tables import HELD, Checkpoint, Job, JobEvent, JobTag
from app.jobs.transitions import get_job, move
from app.registry.service import get as get_version
from app.registry.service import version_of_job


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
    asked, as_submitted = spec, None
    if isinstance(spec, ReproductionSpec):
        with sessions.reading() as session:  # first: what the version's name stands for may be gone by now
            if first := _find_first(session, idempotency_key, asked):
                return first, False
        spec, as_submitted = _complete(sessions, spec), {"version": spec.version, "device": spec.device}
    spec.require_effect()
    job = build(spec, idempotency_key=idempotency_key)
    job.as_submitted = as_submitted
    try:
        with sessions.writing() as session:
            if first := _find_first(session, idempotency_key, asked):
                return first, False
            insert(session, job, spec, max_queued=max_queued, quota=quota)
    except IntegrityError:  # another request with this key committed first
        with sessions.reading() as session:
            if first := _find_first(session, idempotency_key, asked):
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
    require_space(session, spec.kind, job.stored_bytes, quota)
    _require_capacity(session, spec.kind, max_queued)
    if job.inputs is None:
        job.inputs = resolve_inputs(session, spec)
    job.created_at = job.queued_at = job.notified_at = now
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


def cancel(sessions: Sessions, job_id: str) -> Job:
    """Cancel a queued job, or ask a running one to stop. Returns it. Raises JobNotFound, JobAlreadyEnded."""
    with sessions.writing() as session:
        job = get_job(session, job_id, locked=True)
        if JobStatus(job.status).is_final:
            raise JobAlreadyEnded(
                f"Job {job_id} has ended already ({job.status}). Only a queued or running job can be cancelled."
            )
        is_suspended = job.status == JobStatus.RUNNING and job.lease_until is None
        if not move(session, job_id, JobStatus.CANCELLED, only_from=None if is_suspended else JobStatus.QUEUED):
            job.is_cancel_requested = True
        session.flush()
        return get_job(session, job_id)


def queue_again(
    session: Session,
    job: Job,
    *,
    max_queued: int,
    quota: FindQuota | None,
    stored_bytes: int | None = None,
    trials: Sequence[Job] = (),
    **columns: Any,
) -> None:
    """Queue an ended job again, with these columns changed, and with it the ended `trials` of a search, held.

    `stored_bytes` is what the job will store in all, by default as much as before. A training for any device that has
    no checkpoint chooses its device anew. Raises InvalidInput, TooManyJobs, QuotaReached.
    """
    now = database_now(session)
    require_inputs(session, job_spec_adapter.validate_python(job.spec), job.inputs)
    sizes = {one.id: one.stored_bytes for one in (job, *trials)}
    if stored_bytes is not None:
        sizes[job.id] = stored_bytes
    kept = stored_checkpoint_bytes(session, sizes.keys())
    new_bytes = sum(max(0, size - kept.get(job_id, 0)) for job_id, size in sizes.items())
    require_space(session, job.kind, new_bytes, quota and quota(job.kind))
    _require_capacity(session, job.kind, max_queued)
    if trials:
        _require_capacity(session, trials[0].kind, max_queued, count=len(trials))
    _move_to_queue(session, job, now, stored_bytes=sizes[job.id], has_checkpoint=job.id in kept, **columns)
    for trial in trials:
        _move_to_queue(session, trial, now, has_checkpoint=trial.id in kept, run_after=HELD)


def _move_to_queue(session: Session, job: Job, now: datetime, *, has_checkpoint: bool, **columns: Any) -> None:
    spec = job_spec_adapter.validate_python(job.spec)
    is_bound = has_checkpoint and spec.is_for_any_device
    fresh: dict[str, Any] = {
        "error": None,
        "failed_attempts": 0,
        "finished_at": None,
        "is_cancel_requested": False,
        "notified_at": None,  # the dispatcher notifies at its next tick, if nobody does before
        "queue": job.queue if is_bound else choose_queue(session, spec, now),
        "queue_order": now - spec.head_start,
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
        refuse_member(job, "DELETE /v1/jobs/{} removes the whole search.")
        artifacts: list[str] = []
        for one in (job, *members(session, job_id)):
            artifacts += _artifacts_of_ended(session, one)
            session.delete(one)
        return artifacts


def _complete(sessions: Sessions, spec: ReproductionSpec) -> ReproductionSpec:
    """Returns the spec with the version that it means, and the device on which that was trained if it names none."""
    try:
        version, _ = get_version(sessions, spec.version)
    except ModelNotFound as error:
        error.location = "body.version"
        raise
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


def members(session: Session, search_id: str, statuses: Sequence[JobStatus] = tuple(JobStatus)) -> Sequence[Job]:
    """Returns the jobs that belong to a search and have one of these statuses."""
    query = select(Job).where(Job.search_id == search_id, Job.status.in_(statuses))
    return session.scalars(query.order_by(Job.trial)).all()


def require_trials_ended(session: Session, search_id: str) -> None:
    """Raise JobNotEnded if a job of the ended search has not: its end would count for the search's next run."""
    for one in members(session, search_id, (JobStatus.QUEUED, JobStatus.RUNNING)):
        raise JobNotEnded(f"Job {one.id} of search {search_id} is still {one.status}. Wait for its end.")


def refuse_member(job: Job, advice: str) -> None:
    """Raise JobInUse if the job belongs to a search."""
    if job.search_id is not None:
        raise JobInUse(f"Job {job.id} belongs to search {job.search_id}. {advice.format(job.search_id)}")


def _find_first(session: Session, key: str | None, spec: JobSpec) -> Job | None:
    """Returns the job of an earlier request with this key. Raises IdempotencyKeyReused if its spec was another."""
    if key is None:
        return None
    first = session.scalars(select(Job).where(Job.idempotency_key == key)).one_or_none()
    if first is not None and job_spec_adapter.validate_python(first.spec | (first.as_submitted or {})) != spec:
        raise IdempotencyKeyReused(
            f"The Idempotency-Key was used before, for job {first.id}, with another body. Use a new key for a new job.",
            location="header.Idempotency-Key",
        )
    return first


def _require_capacity(session: Session, kind: str, max_queued: int, *, count: int = 1) -> None:
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"queue:{kind}"))))
    waiting = select(func.count()).select_from(Job).where(Job.kind == kind, Job.status == JobStatus.QUEUED)
    already = session.scalars(waiting).one()
    if already + count > max_queued:
        raise TooManyJobs(
            f"Of jobs of kind {kind}, {already:,} wait already, and at most {max_queued:,} may. Send this request "
            "again in a while."
        )


def _require_worker_with(session: Session, device: str, now: datetime) -> None:
    if not has_worker_with(session, device, now):
        raise DeviceNotPresent(
            f"No running worker has a {device} device. Ask for device 'auto' or 'cpu', or start a worker that has one.",
            location="body.device",
        )
