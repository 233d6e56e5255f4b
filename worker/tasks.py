"""The one Celery task. A message names a queue; which job runs, and so which work, is decided by the claim.

Celery logs and drops messages of other tasks, such as those that an older program left in Redis: no job is lost, since
the dispatcher notifies again within seconds.
"""

import os

from app.jobs.notifier import RUN_NEXT_TASK
from worker import runner
from worker.celery_app import app, sessions, settings, stopping, worker_name
from worker.memory import WatchedTask
from worker.work import WORK


@app.task(name=RUN_NEXT_TASK, base=WatchedTask)
def run_next(queue: str) -> None:
    runner.run_next(
        sessions,
        queue,
        WORK,
        lease_seconds=settings.lease_seconds,
        is_stopping=lambda: bool(stopping.value),
        worker=worker_name(),
        gpu_wait_seconds=settings.gpu_wait_seconds,
        end_process=lambda: os._exit(1),  # Celery starts another child in its place
    )
