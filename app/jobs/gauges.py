"""What the database says about jobs at this moment, in numbers: for GET /metrics."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, select

from app.db import Sessions, database_now
from app.errors import DatabaseUnavailable
from app.jobs.lifecycle import JobStatus
from app.jobs.overview import SILENT_AFTER
from app.jobs.specs import QUEUES
from app.jobs.tables import Job, JobEvent, Worker

KEPT_SECONDS = 5.0  # however many scrape, the database is asked no more often
TRAINING = "mnist_training"
MEASURED = ("epoch", "train_loss", "validation_accuracy", "learning_rate", "images_per_second")

Labelled = list[tuple[dict[str, str], float]]


@dataclass(frozen=True)
class Gauges:
    """Each a list of labels and a value."""

    jobs: Labelled
    queued: Labelled
    oldest_seconds: Labelled
    workers: Labelled
    epochs: float  # that were recorded, of all trainings that are still listed
    trainings: dict[str, Labelled] = field(default_factory=dict)  # by name: the last epoch of each that runs


class GaugeCache:
    """What the database said a moment ago; None where it did not answer."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions, self._lock = sessions, threading.Lock()
        self._found: Gauges | None = None
        self._asked = -KEPT_SECONDS

    def get(self) -> Gauges | None:
        with self._lock:
            if time.monotonic() >= self._asked + KEPT_SECONDS:
                try:
                    self._found = read_gauges(self._sessions)
                except DatabaseUnavailable:
                    self._found = None
                self._asked = time.monotonic()
            return self._found


def read_gauges(sessions: Sessions) -> Gauges:
    """The state of jobs, queues, workers and trainings. Raises DatabaseUnavailable."""
    with sessions.reading() as session:
        now = database_now(session)
        jobs = session.execute(select(Job.kind, Job.status, func.count()).group_by(Job.kind, Job.status)).all()
        waiting = select(Job.queue, func.count(), func.min(Job.created_at)).where(Job.status == JobStatus.QUEUED)
        found = {queue: (count, since) for queue, count, since in session.execute(waiting.group_by(Job.queue))}
        living = select(Worker.device, func.count()).where(Worker.seen_at > now - SILENT_AFTER).group_by(Worker.device)
        trainings = select(Job.id).where(Job.kind == TRAINING)
        is_epoch = (JobEvent.event == "epoch") & JobEvent.job_id.in_(trainings)
        epochs = session.scalars(select(func.count()).select_from(JobEvent).where(is_epoch)).one()
        running = session.scalars(trainings.where(Job.status == JobStatus.RUNNING)).all()
        last = {job_id: session.scalar(_last_epoch(job_id)) or {} for job_id in running}
        return Gauges(
            jobs=[({"kind": kind, "status": status}, count) for kind, status, count in jobs],
            queued=[({"queue": queue}, found[queue][0] if queue in found else 0) for queue in QUEUES],
            oldest_seconds=[
                ({"queue": queue}, max(0.0, (now - found[queue][1]).total_seconds()) if queue in found else 0.0)
                for queue in QUEUES
            ],
            workers=[({"device": device}, count) for device, count in session.execute(living)],
            epochs=epochs,
            trainings={
                name: [
                    ({"job": job_id}, float(data[name])) for job_id, data in last.items() if data.get(name) is not None
                ]
                for name in MEASURED
            },
        )


def _last_epoch(job_id: str) -> Select[tuple[dict[str, Any]]]:
    rows = select(JobEvent.data).where(JobEvent.job_id == job_id, JobEvent.event == "epoch")
    return rows.order_by(JobEvent.number.desc()).limit(1)
