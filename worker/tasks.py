"""One Celery task per kind of job. A message carries the job's id and nothing else."""

import os
from collections.abc import Callable

from app.jobs import runs
from worker.celery_app import app, sessions, settings, stopping, storage, worker_name
from worker.runner import Finish, Run, run_job


@app.task(name="numeral.backprop_sweep")
def backprop_sweep(job_id: str) -> None:
    from worker.sweep import sweep

    _run(job_id, lambda run: sweep(run, storage))


@app.task(name="numeral.mnist_training")
def mnist_training(job_id: str) -> None:
    from worker.training import train  # loads torch, which the parent process of a worker must not

    _run(job_id, lambda run: train(run, storage, data_dir=settings.data_dir, mnist_dir=settings.mnist_dir))


def _run(job_id: str, work: Callable[[Run], Finish]) -> None:
    run_job(
        sessions,
        job_id,
        work,
        lease_seconds=settings.lease_seconds,
        is_stopping=lambda: bool(stopping.value),
        take=runs.claim_in_turn,
        worker=worker_name(),
        abandon=lambda: os._exit(1),  # Celery starts another child in its place
    )
