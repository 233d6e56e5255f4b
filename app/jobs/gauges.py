"""Reads the gauges about jobs, queues, workers and trainings from the database, for GET /metrics."""

import threading
import time
from typing import Any

from sqlalchemy import Select, func, select

from app.db import Sessions, database_now
from app.errors import DatabaseUnavailable
from app.jobs.lifecycle import JobStatus
from app.jobs.routing import SILENT_AFTER
from app.jobs.specs import QUEUES
from app.jobs.tables import Job, JobEvent, Worker
from app.jobs.transitions import is_held
from app.metrics import metrics
from app.metrics.instruments import Gauge, LabelValues

CACHE_SECONDS = 5.0  # the database is asked no more often, however many programs scrape
TRAINING_KIND = "mnist_training"

Readings = dict[Gauge, dict[LabelValues, float]]


class GaugeCache:
    """The last readings, which are read again once they are older than CACHE_SECONDS."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions, self._lock = sessions, threading.Lock()
        self._readings: Readings | None = None
        self._read_at = -CACHE_SECONDS

    def get(self) -> Readings | None:
        """The readings; None if the database did not answer."""
        with self._lock:
            if time.monotonic() >= self._read_at + CACHE_SECONDS:
                try:
                    self._readings = read_gauges(self._sessions)
                except DatabaseUnavailable:
                    self._readings = None
                self._read_at = time.monotonic()
            return self._readings


def read_gauges(sessions: Sessions) -> Readings:
    """The values of each gauge by label values. Raises DatabaseUnavailable."""
    with sessions.reading() as session:
        now = database_now(session)
        jobs = session.execute(select(Job.kind, Job.status, func.count()).group_by(Job.kind, Job.status)).all()
        queued = select(Job.queue, func.count(), func.min(Job.queued_at)).where(
            Job.status == JobStatus.QUEUED, ~is_held()
        )
        waiting = {queue: (count, since) for queue, count, since in session.execute(queued.group_by(Job.queue))}
        living = select(Worker.device, func.count()).where(Worker.seen_at > now - SILENT_AFTER).group_by(Worker.device)
        trainings = select(Job.id).where(Job.kind == TRAINING_KIND)
        is_epoch = (JobEvent.event == "epoch") & JobEvent.job_id.in_(trainings)
        epochs = session.scalars(select(func.count()).select_from(JobEvent).where(is_epoch)).one()
        running = session.scalars(trainings.where(Job.status == JobStatus.RUNNING)).all()
        last = {job_id: session.scalar(_last_epoch(job_id)) or {} for job_id in running}
        readings: Readings = {
            metrics.JOBS: {(kind, status): count for kind, status, count in jobs},
            metrics.QUEUE_DEPTH: {(queue,): waiting.get(queue, (0, now))[0] for queue in QUEUES},
            metrics.QUEUE_OLDEST_SECONDS: {
                (queue,): max(0.0, (now - waiting.get(queue, (0, now))[1]).total_seconds()) for queue in QUEUES
            },
            metrics.WORKERS: {(device,): count for device, count in session.execute(living)},
            metrics.TRAINING_EPOCHS: {(): epochs},
        }
    for field, gauge in metrics.TRAINING.items():
        found = {(job_id,): data.get(field) for job_id, data in last.items()}
        readings[gauge] = {labels: float(value) for labels, value in found.items() if value is not None}
    return readings


def _last_epoch(job_id: str) -> Select[tuple[dict[str, Any]]]:
    rows = select(JobEvent.data).where(JobEvent.job_id == job_id, JobEvent.event == "epoch")
    return rows.order_by(JobEvent.number.desc()).limit(1)
