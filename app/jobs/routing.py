"""Which workers may run a job: those of its queue; for a training on any device (`auto`), those of the other one, too.

Such a training waits for a CUDA worker while a live one exists. Once it has waited `gpu_wait_seconds` since it was last
queued, or no CUDA worker is left, a worker without a GPU may claim it as well. A CUDA worker may claim one that waits
for a CPU, unless it has run before: its checkpoint was made on a CPU, on which it ends with the same weights bit for
bit.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from app.db import Sessions, database_now
from app.jobs.lifecycle import JobStatus
from app.jobs.specs.options import BaseSpec
from app.jobs.specs.training import CPU_QUEUE, CUDA_QUEUE
from app.jobs.tables import Job, Worker
from app.jobs.transitions import is_due

SILENT_AFTER = timedelta(seconds=60)  # a worker reports itself alive every 20 seconds
GPU_WAIT_SECONDS = 120.0  # about what a short training on the CPU takes longer than one on a GPU
MAX_OFFERS = 16  # messages to the workers of the other device at one tick of the dispatcher

IS_FOR_ANY_DEVICE = Job.spec["device"].as_string() == "auto"


def choose_queue(session: Session, spec: BaseSpec, now: datetime) -> str:
    """Returns the queue of a new job: for a training on any device that of the CUDA workers, if one is alive."""
    return CUDA_QUEUE if spec.is_for_any_device and has_worker_with(session, "cuda", now) else spec.queue


def has_worker_with(session: Session, device: str, now: datetime) -> bool:
    return session.scalar(select(_living(device, now).exists())) is True


def is_claimable(queue: str, now: datetime, *, gpu_wait_seconds: float) -> ColumnElement[bool]:
    """The condition that a worker of `queue` may claim a queued job."""
    return (Job.queue == queue) | _is_offered(queue, now, gpu_wait_seconds) if queue in _OTHER else Job.queue == queue


def count_offers(sessions: Sessions, *, gpu_wait_seconds: float) -> dict[str, int]:
    """Returns how many jobs of the other queue the workers of each queue for trainings may claim now."""
    with sessions.reading() as session:
        now = database_now(session)
        offers = {}
        for queue in _OTHER:
            is_waiting = (Job.status == JobStatus.QUEUED) & is_due(now)
            offered = select(Job.id).where(is_waiting, _is_offered(queue, now, gpu_wait_seconds)).limit(MAX_OFFERS)
            offers[queue] = session.scalars(select(func.count()).select_from(offered.subquery())).one()
        if offers[CUDA_QUEUE] and not has_worker_with(session, "cuda", now):
            offers[CUDA_QUEUE] = 0
        return offers


def notice_for(session: Session, job: Job) -> str | None:
    """Returns why a job in the queue of the CUDA workers cannot run now, None if it can."""
    if job.spec.get("device") == "auto" or has_worker_with(session, "cuda", database_now(session)):
        return None
    return (
        "The job waits for a worker with a CUDA device; none has reported itself in the last minute. Start one "
        "(`numeral worker --queue training-cuda` on a machine with a GPU), or cancel the job and ask for device 'auto'."
    )


_OTHER = {CPU_QUEUE: CUDA_QUEUE, CUDA_QUEUE: CPU_QUEUE}  # of the queues for trainings, the other one


def _is_offered(queue: str, now: datetime, gpu_wait_seconds: float) -> ColumnElement[bool]:
    """The condition that a job of the other queue may be claimed by a worker of `queue`."""
    is_elsewhere = (Job.queue == _OTHER[queue]) & IS_FOR_ANY_DEVICE
    if queue == CUDA_QUEUE:
        return and_(is_elsewhere, Job.attempt == 0)
    since = now - timedelta(seconds=gpu_wait_seconds)
    return and_(is_elsewhere, (Job.queued_at < since) | ~_living("cuda", now).exists())


def _living(device: str, now: datetime) -> Any:
    return select(Worker.name).where(Worker.device == device, Worker.seen_at > now - SILENT_AFTER)
