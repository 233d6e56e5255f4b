"""For tests that play the worker of one job, whatever else is in its queue."""

import threading
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.config import Settings
from app.db import Sessions
from app.jobs import runs, service
from app.jobs.tables import Job
from app.jobs.transitions import Claim, get_job
from app.storage import open_storage
from tests.fakes import RecordedNotifier
from worker.runner import Work, run_next
from worker.sweep import sweep
from worker.training import train


def make_next(sessions: Sessions, job_id: str) -> str:
    """Make a job the first of its queue, and due now, as if it had waited longest. Returns the queue."""
    with sessions.writing() as session:
        job = get_job(session, job_id)
        job.queue_order = session.scalars(select(func.min(Job.queue_order))).one() - timedelta(seconds=1)
        job.run_after = None
        return job.queue


def claim(sessions: Sessions, job_id: str, *, lease_seconds: float = 30, worker: str | None = None) -> Claim:
    """Claim this queued job."""
    claimed = runs.claim_next(sessions, make_next(sessions, job_id), lease_seconds=lease_seconds, worker=worker)
    assert claimed is not None
    assert claimed.job_id == job_id
    return claimed


def run_job(sessions: Sessions, job_id: str, work: Work, **options: Any) -> None:
    """Run this job, if it is queued, with `work` as the work of its kind."""
    run_next(sessions, make_next(sessions, job_id), {service.get(sessions, job_id).kind: work}, **options)


class WorkingNotifier(RecordedNotifier):
    """A notifier whose notifications start a thread of this process, which runs a sweep or a training."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._sessions, storage = Sessions(settings.resolved_database_url), open_storage(settings)
        self._work: dict[str, Work] = {
            "backprop_sweep": lambda run: sweep(run, storage),
            "mnist_training": lambda run: train(run, storage, data_dir=settings.data_dir, mnist_dir=None),
        }
        self._workers: list[threading.Thread] = []

    def notify(self, queue: str) -> None:
        worker = threading.Thread(target=run_next, args=(self._sessions, queue, self._work))
        self._workers.append(worker)
        worker.start()

    def close(self) -> None:
        for worker in self._workers:
            worker.join()
        self._sessions.close()
