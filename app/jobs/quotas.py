"""How many bytes the artifacts of all jobs of a kind may take in the store, by what the rows of the jobs say.

A job takes what its spec expects from its submission on, so that jobs which wait cannot exceed the quota together.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import QuotaReached
from app.jobs.lifecycle import OPEN, JobStatus
from app.jobs.specs.training import CHECKPOINT_BYTES, MODEL_BYTES
from app.jobs.tables import Checkpoint, Job
from app.registry.tables import ModelVersion

TRAINING_KINDS = ("mnist_training", "reproduction", "training_search")


class Quota(NamedTuple):
    """The most bytes that the artifacts of one kind of jobs may take, and the setting that says so."""

    max_bytes: int
    setting: str


FindQuota = Callable[[str], Quota]  # by the kind of the job


def require_space(session: Session, kind: str, expected_bytes: int, quota: Quota | None) -> None:
    """Raise QuotaReached if a job of the kind, which expects to store so many bytes more, would exceed the quota."""
    if quota is None or expected_bytes <= 0:
        return
    all_of_kind, measure = ("sweeps", _sweep_bytes) if kind == "backprop_sweep" else ("trainings", _training_bytes)
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"space:{all_of_kind}"))))
    used = measure(session)
    if used + expected_bytes > quota.max_bytes:
        raise QuotaReached(
            f"The files of all {all_of_kind} take {used / 1e6:,.0f} MB, this one would add "
            f"{expected_bytes / 1e6:,.1f} MB, and {quota.max_bytes / 1e6:,.0f} MB are allowed ({quota.setting}). "
            "Delete jobs that are no longer needed (DELETE /v1/jobs/{id}), or ask for less."
        )


def stored_checkpoint_bytes(session: Session, job_ids: Collection[str]) -> dict[str, int]:
    """Returns what the checkpoints of each of the jobs count for while it has ended; jobs without any are left out."""
    counting = select(Checkpoint.job_id, func.count()).where(Checkpoint.job_id.in_(job_ids))
    rows = session.execute(counting.group_by(Checkpoint.job_id))
    return {job_id: count * CHECKPOINT_BYTES for job_id, count in rows}


def _sweep_bytes(session: Session) -> int:
    """The files of sweeps, and those that open sweeps will write. A failed or cancelled sweep has none."""
    stored = select(func.coalesce(func.sum(Job.stored_bytes), 0)).where(
        Job.stored_bytes > 0, Job.kind == "backprop_sweep", Job.status.in_((*OPEN, JobStatus.SUCCEEDED))
    )
    return int(session.scalars(stored).one())


def _training_bytes(session: Session) -> int:
    """The checkpoints of ended trainings, all model versions, and what open trainings and searches will write.

    Of an open search that is what its trials to come and its winner will: each that is queued counts for itself.
    """
    is_open = Job.status.in_(OPEN)
    expected = select(func.coalesce(func.sum(Job.stored_bytes), 0)).where(
        Job.stored_bytes > 0, Job.kind.in_(TRAINING_KINDS), is_open
    )
    checkpoints = select(func.count(Checkpoint.artifact.distinct())).join(Job).where(~is_open)  # two may name one
    models = select(func.count()).select_from(ModelVersion)
    counts = session.scalars(checkpoints).one() * CHECKPOINT_BYTES + session.scalars(models).one() * MODEL_BYTES
    return int(session.scalars(expected).one()) + counts
