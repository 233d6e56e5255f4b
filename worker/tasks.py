"""One Celery task per kind of job. A message carries the job's id and nothing else."""

import os
from collections.abc import Callable

from app.jobs import runs
from worker.celery_app import app, sessions, settings, stopping, storage, worker_name
from worker.runner import Finish, Run, run_job


@app.task(name="numeral.backprop_sweep")
def backprop_sweep(job_id: str) -> None:
    def work(run: Run) -> Finish:
        from worker.sweep import sweep

        return sweep(run, storage)

    _run(job_id, work)


@app.task(name="numeral.mnist_training")
def mnist_training(job_id: str) -> None:
    def work(run: Run) -> Finish:
        from worker.training import train  # torch, which the parent must not load; it takes seconds, so claim first

        return train(run, storage, data_dir=settings.data_dir, mnist_dir=settings.mnist_dir)

    _run(job_id, work)


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
