"""The use case of a retry with changes: a new training, from the old one's checkpoint where that is sound.

It is sound where the new run, up to that checkpoint, would have been the old one but for its learning rate: under a
constant schedule. The others are laid out over all steps of a run, as is the cooldown.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Sessions
from app.errors import InvalidInput, JobNotEnded
from app.jobs.lifecycle import JobStatus
from app.jobs.quotas import FindQuota
from app.jobs.service import build, insert
from app.jobs.specs import MnistTrainingSpec
from app.jobs.tables import Checkpoint, Job
from app.jobs.transitions import IMPOSSIBLE, get_job


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
                f"Job {job_id} is a {job.kind}; only a training is retried with changes.", location="body"
            )
        if job.error is not None and job.error["reason"] == IMPOSSIBLE:
            raise InvalidInput(f"Job {job_id} cannot be trained. {job.error['detail']}", location="body")
        if not JobStatus(job.status).is_final:
            raise JobNotEnded(f"Job {job_id} is still {job.status}. Cancel it or wait for its end, then retry it.")
        before = MnistTrainingSpec.model_validate(job.spec)
        spec = MnistTrainingSpec.model_validate(before.model_dump() | changes)
        step, why = _find_start(session, job, before, spec)
        new = build(spec, origin={"job": job_id, "step": step, "why": why}, inputs=job.inputs)
        insert(session, new, spec, max_queued=max_queued, quota=quota and quota(job.kind))
    return new


def _find_start(session: Session, job: Job, before: MnistTrainingSpec, spec: MnistTrainingSpec) -> tuple[int, str]:
    """Returns the step of the checkpoint to continue from, 0 if the training begins anew, and why."""
    if before.schedule != "constant":
        return (
            0,
            f"It begins anew: the {before.schedule} schedule of that job was laid out for its own rate and epochs.",
        )
    if before.cooldown:
        return 0, "It begins anew: the cooldown of that job was laid out for its own epochs."
    steps = job.progress["total"] // before.epochs * spec.epochs if job.progress else 0
    saved = select(Checkpoint.step).where(Checkpoint.job_id == job.id, Checkpoint.step < steps)
    step = session.scalars(saved.order_by(Checkpoint.step.desc()).limit(1)).first()
    if not step:
        return 0, "It begins anew: that job has no checkpoint before the end of this one."
    return step, f"It continues from batch {step} of that job: under a constant schedule its checkpoint fits."
