"""The state of queues, workers and leases, for operators."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.db import Sessions, database_now
from app.jobs.lifecycle import JobStatus
from app.jobs.routing import SILENT_AFTER, has_worker_with
from app.jobs.specs import QUEUES
from app.jobs.specs.training import CUDA_QUEUE
from app.jobs.tables import DISPATCH, Job, Leader, Worker
from app.jobs.transitions import is_held, is_suspended

NO_GPU = (
    "Jobs wait, and no worker with a CUDA device has reported itself in the last minute. Those for any device run on a "
    "CPU; the others wait for `numeral worker --queue training-cuda` on a machine with a GPU."
)


@dataclass(frozen=True)
class QueueState:
    """How many jobs of a queue wait and run, and since when the oldest one waits."""

    name: str
    queued: int
    running: int
    waiting_since: datetime | None
    notice: str | None  # why its jobs cannot run now


@dataclass(frozen=True)
class RunningJob:
    """A job that a worker has claimed."""

    id: str
    kind: str
    attempt: int
    lease_until: datetime | None
    worker: str | None


@dataclass(frozen=True)
class Overview:
    """The whole state at one moment, by the database's clock."""

    now: datetime
    queues: list[QueueState]
    workers: list[Worker]  # those that reported themselves in the last minute
    running: list[RunningJob]
    leader: Leader | None  # the API process that dispatches


def count_live_workers(sessions: Sessions, *, since: datetime | None = None) -> int:
    """Returns how many worker processes reported themselves since then, by default in the last minute."""
    with sessions.reading() as session:
        since = since or database_now(session) - SILENT_AFTER
        return session.scalars(select(func.count()).where(Worker.seen_at >= since)).one()


def read_overview(sessions: Sessions) -> Overview:
    """Returns the current state."""
    with sessions.reading() as session:
        now = database_now(session)
        is_open = Job.status.in_((JobStatus.QUEUED, JobStatus.RUNNING)) & ~is_held()
        counting = select(Job.queue, Job.status, func.count(), func.min(Job.queued_at)).where(is_open)
        counts: dict[tuple[str, str], int] = {}
        oldest: dict[tuple[str, str], datetime] = {}
        for queue, status, count, since in session.execute(counting.group_by(Job.queue, Job.status)):
            counts[queue, status], oldest[queue, status] = count, since
        running = select(Job.id, Job.kind, Job.attempt, Job.lease_until, Job.worker).where(
            Job.status == JobStatus.RUNNING, ~is_suspended()
        )
        is_without_gpu = bool(counts.get((CUDA_QUEUE, JobStatus.QUEUED))) and not has_worker_with(session, "cuda", now)
        alive = select(Worker).where(Worker.seen_at > now - SILENT_AFTER).order_by(Worker.name)
        return Overview(
            now=now,
            queues=[
                QueueState(
                    name=queue,
                    queued=counts.get((queue, JobStatus.QUEUED), 0),
                    running=counts.get((queue, JobStatus.RUNNING), 0),
                    waiting_since=oldest.get((queue, JobStatus.QUEUED)),
                    notice=NO_GPU if queue == CUDA_QUEUE and is_without_gpu else None,
                )
                for queue in QUEUES
            ],
            workers=list(session.scalars(alive)),
            running=[RunningJob(*row) for row in session.execute(running.order_by(Job.id))],
            leader=session.get(Leader, DISPATCH),
        )
