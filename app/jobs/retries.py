"""The use cases of a retry: the same job again, or with changes a new training.

That continues from the old one's checkpoint where it is sound. It is sound where the new run, up to that checkpoint,
would have been the old one but for its learning rate: under a constant schedule. The others are laid out over all steps
of a run, as is the cooldown.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Sessions
from app.errors import InvalidInput, JobNotEnded, JobSucceeded
from app.jobs.inputs import require_inputs
from app.jobs.lifecycle import KINDS, JobStatus
from app.jobs.quotas import FindQuota
from app.jobs.searches import find_stored_bytes
from app.jobs.service import build, insert, members, queue_again, refuse_member, require_trials_ended
from app.jobs.specs import MnistTrainingSpec
from app.jobs.tables import TRIAL, Checkpoint, Job
from app.jobs.transitions import IMPOSSIBLE, get_job
from models.wording import counted


def retry(sessions: Sessions, job_id: str, *, max_queued: int = 10_000, quota: FindQuota | None = None) -> Job:
    """Queue a failed or cancelled job again, with all its attempts; it resumes from its last checkpoint. Returns it.

    Of a search, in whatever way it ended, the trials that failed or were cancelled are queued with it, and held: it
    lets so many run at once as it did before. Its winner is not: which one that is, the search decides anew.

    Raises JobNotFound, JobNotEnded, JobSucceeded, JobInUse for a trial, InvalidInput, TooManyJobs, QuotaReached.
    """
    with sessions.writing() as session:
        job = get_job(session, job_id, locked=True)
        refuse_member(job, "POST /v1/jobs/{}/retry runs all its failed trials again.")
        ended = members(session, job_id, (JobStatus.FAILED, JobStatus.CANCELLED))
        failed = [one for one in ended if one.search_role == TRIAL and not _is_impossible(one)]
        status = JobStatus(job.status)
        if not status.is_final:
            raise JobNotEnded(f"Job {job_id} is still {status}; only a job that has ended can be tried again.")
        require_trials_ended(session, job_id)
        if status is JobStatus.SUCCEEDED and not failed:
            raise JobSucceeded(f"Job {job_id} has succeeded: there is nothing to try again.")
        stored_bytes = find_stored_bytes(session, job)
        queue_again(session, job, stored_bytes=stored_bytes, trials=failed, max_queued=max_queued, quota=quota)
        session.flush()
        return get_job(session, job_id)


def _is_impossible(job: Job) -> bool:
    return job.error is not None and job.error["reason"] == IMPOSSIBLE


def retry_with_changes(
    sessions: Sessions,
    job_id: str,
    changes: dict[str, Any],
    *,
    max_queued: int = 10_000,
    quota: FindQuota | None = None,
) -> Job:
    """Queue a new training with the spec of an ended one and these changes. Returns it.

    Raises JobNotFound, JobNotEnded, InvalidInput if the job is no training, and what `build` and `insert` raise.
    """
    with sessions.writing() as session:
        job = get_job(session, job_id)
        if job.kind != "mnist_training":
            raise InvalidInput(
                f"Job {job_id} is a {KINDS[job.kind]}; only a training is retried with changes.", location="body"
            )
        if job.error is not None and _is_impossible(job):
            raise InvalidInput(f"Job {job_id} cannot be trained. {job.error['detail']}", location="body")
        if not JobStatus(job.status).is_final:
            raise JobNotEnded(f"Job {job_id} is still {job.status}. Cancel it or wait for its end, then retry it.")
        before = MnistTrainingSpec.model_validate(job.spec)
        spec = MnistTrainingSpec.model_validate(before.model_dump() | changes)
        require_inputs(session, spec, job.inputs)
        step, why = _find_start(session, job, before, spec)
        new = build(spec, origin={"job": job_id, "step": step, "why": why}, inputs=job.inputs)
        insert(session, new, spec, max_queued=max_queued, quota=quota and quota(job.kind))
    return new


def _find_start(session: Session, job: Job, before: MnistTrainingSpec, spec: MnistTrainingSpec) -> tuple[int, str]:
    """Returns the step of the checkpoint to continue from, 0 if the training begins anew, and why."""
    if spec.batch_size != before.batch_size:
        return 0, "It begins anew: with another batch_size, its epochs have other batches than those of that job."
    if before.schedule != "constant":
        return (
            0,
            f"It begins anew: the {before.schedule} schedule of that job was laid out for its own rate and epochs.",
        )
    if before.cooldown:
        return 0, "It begins anew: the cooldown of that job was laid out for its own epochs."
    saved = session.scalars(select(Checkpoint.step).where(Checkpoint.job_id == job.id).order_by(Checkpoint.step)).all()
    if not saved or not job.progress:
        return 0, (
            "It begins anew: that job has no checkpoint. It ended before its first epoch did, or `numeral gc` removed "
            "them after its end."
        )
    steps_per_epoch = job.progress["total"] // before.epochs
    end = steps_per_epoch * spec.epochs
    step = max((step for step in saved if step < end), default=0)
    if not step:
        return 0, (
            f"It begins anew: the first checkpoint of that job is at batch {saved[0]}, this one ends at batch {end}. "
            f"Ask for {counted(saved[0] // steps_per_epoch + 1, 'epoch')} or more to continue from it."
        )
    return step, (
        f"It continues from batch {step} of that job (epoch {step / steps_per_epoch:g}): under a constant schedule its "
        "checkpoint fits."
    )
