"""Find and remove garbage: artifacts that no row names, spent checkpoints of ended jobs, and rows of dead workers.

Rows are deleted before their files: an interrupted run leaves at worst files that no row names, and the next run
removes those. Artifacts that a running upload may still record are kept: those of jobs that have not ended, and those
younger than the grace period.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.datasets.tables import Dataset
from app.db import Sessions, check_schema, database_now
from app.errors import ConfigurationError
from app.jobs.lifecycle import ENDED, JobStatus
from app.jobs.specs import MnistTrainingSpec
from app.jobs.tables import Checkpoint, Job, JobEvent, Worker
from app.registry.tables import ModelVersion
from app.storage import Storage, Stored
from models.wording import counted

OWN_FOLDERS = ("checkpoints/", "models/", "curves/", "datasets/", "doctor/")
WORKER_EXPIRES_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Garbage:
    """What can be removed, and how many more artifacts are younger than the grace period."""

    checkpoints: dict[tuple[str, int], str]  # (job, step) to the name of its artifact
    artifacts: list[Stored]
    workers: list[str]
    too_young: int


def find_garbage(sessions: Sessions, storage: Storage, *, grace: timedelta) -> Garbage:
    """Find garbage and change nothing. Raises ConfigurationError if the database seems to belong to another store."""
    check_schema(sessions)
    # Artifacts before rows: the row of an artifact that is recorded in between is then seen. Other folders are not
    # ours, because a bucket or a folder may be shared.
    stored = [artifact for artifact in storage.list() if artifact.name.startswith(OWN_FOLDERS)]
    with sessions.reading() as session:
        # Jobs before names, for the same reason: a job that ends in between has recorded its artifacts by then.
        active = set(session.scalars(select(Job.id).where(Job.status.not_in(ENDED))))
        checkpoints = _spent_checkpoints(session)
        named = _named_artifacts(session)
        since = database_now(session) - WORKER_EXPIRES_AFTER
        workers = list(session.scalars(select(Worker.name).where(Worker.seen_at < since)))
    if stored and not any(artifact.name in named for artifact in stored):
        raise ConfigurationError(
            f"Of {counted(len(stored), 'artifact')} in {storage.place} the database names none. Are "
            "NUMERAL_DATABASE_URL and NUMERAL_STORAGE_URL those of one service? If they are, start it once. Nothing "
            "was changed."
        )
    kept = named - set(checkpoints.values())
    unnamed = [artifact for artifact in stored if artifact.name not in kept and not _belongs_to(artifact.name, active)]
    limit = datetime.now(UTC) - grace
    old = [artifact for artifact in unnamed if artifact.written_at < limit]
    return Garbage(checkpoints, sorted(old, key=lambda artifact: artifact.name), workers, len(unnamed) - len(old))


def remove(sessions: Sessions, storage: Storage, garbage: Garbage) -> list[Stored]:
    """Remove the garbage, except that of jobs which were started again meanwhile. Returns the removed artifacts."""
    kept = set()
    for (job_id, step), artifact in garbage.checkpoints.items():
        with sessions.writing() as session:
            ended = select(Job.id).where(Job.id == job_id, Job.status.in_(ENDED)).with_for_update()
            if session.scalar(ended) is None and session.get(Job, job_id) is not None:
                kept.add(artifact)
            else:
                session.execute(delete(Checkpoint).where(Checkpoint.job_id == job_id, Checkpoint.step == step))
    with sessions.writing() as session:
        session.execute(delete(Worker).where(Worker.name.in_(garbage.workers)))
    removed = [artifact for artifact in garbage.artifacts if artifact.name not in kept]
    for stored in removed:
        storage.delete(stored.name)
    return removed


def _named_artifacts(session: Session) -> set[str]:
    """The names of all artifacts that a row refers to."""
    names = set(session.scalars(select(Checkpoint.artifact)))
    for files in session.scalars(select(ModelVersion.files)):
        names |= {file["artifact"] for file in files.values()}
    names |= set(session.scalars(select(Dataset.artifact).where(Dataset.artifact.is_not(None))))
    has_curves = (Job.kind == "backprop_sweep") & (Job.status == JobStatus.SUCCEEDED) & (Job.stored_bytes > 0)
    names |= set(session.scalars(select(Job.result["curves"]["artifact"].as_string()).where(has_curves)))
    return names


def _spent_checkpoints(session: Session) -> dict[tuple[str, int], str]:
    """The checkpoints of ended jobs that are neither the latest nor the best of their job, and that no job awaits."""
    open_origins = session.scalars(select(Job.origin).where(Job.status.not_in(ENDED), Job.origin.is_not(None)))
    awaited = {(origin["job"], origin["step"]) for origin in open_origins}
    query = select(Checkpoint).join(Job).where(Job.status.in_(ENDED)).order_by(Checkpoint.job_id, Checkpoint.step)
    by_job: dict[str, list[Checkpoint]] = {}
    for checkpoint in session.scalars(query):
        by_job.setdefault(checkpoint.job_id, []).append(checkpoint)
    spent: dict[tuple[str, int], str] = {}
    for job_id, checkpoints in by_job.items():
        if len(checkpoints) > 1:
            kept = {checkpoints[-1].step} | _best_steps(session, job_id, checkpoints)
            spent |= {(job_id, one.step): one.artifact for one in checkpoints if one.step not in kept}
    return {key: artifact for key, artifact in spent.items() if key not in awaited}


def _best_steps(session: Session, job_id: str, checkpoints: Iterable[Checkpoint]) -> set[int]:
    """The step at the end of the epoch with the highest validation accuracy; all steps if it cannot be computed."""
    epochs = session.scalars(select(JobEvent.data).where(JobEvent.job_id == job_id, JobEvent.event == "epoch")).all()
    job = session.get_one(Job, job_id)
    if not epochs or job.kind == "reproduction":  # of which nobody wants the best epoch
        return set()
    if not job.progress:
        return {one.step for one in checkpoints}
    best = max(epochs, key=lambda epoch: (epoch["validation_accuracy"], epoch["epoch"]))["epoch"]
    steps_per_epoch = job.progress["total"] // MnistTrainingSpec.model_validate(job.spec).to_recipe().epochs
    return {best * steps_per_epoch}


def _belongs_to(name: str, job_ids: Collection[str]) -> bool:
    """Whether it is one of the jobs' artifacts: checkpoints/ID/..., models/ID-ATTEMPT/..., curves/ID-ATTEMPT.npz."""
    second = name.split("/")[1] if "/" in name else ""
    return second[:36] in job_ids  # the length of a UUID
