"""Searches that run to their end without a worker."""

import httpx

from app.db import Sessions
from app.jobs import runs
from tests.workers import claim, run_job
from worker.runner import Finish, Run
from worker.search import advance


def step(sessions: Sessions, search_id: str) -> None:
    def work(run: Run) -> Finish:
        return advance(run, max_queued=1000)

    run_job(sessions, search_id, work)


def end_trainings(api: httpx.Client, sessions: Sessions, search_id: str) -> None:
    jobs = api.get("/v1/jobs", params={"kind": "mnist_training", "status": "queued", "limit": 100}).json()["items"]
    for number, job in enumerate(job for job in jobs if job["search"] and job["search"]["id"] == search_id):
        value = {"value": 0.9 + number / 100, "pruned": False}
        tested = {"model_version": "1", "test": {"accuracy": 0.9}, "promoted": False}
        result = value if job["search"]["role"] == "trial" else tested
        runs.succeed(sessions, claim(sessions, job["id"]), lambda _, result=result: result)


def run_search(api: httpx.Client, sessions: Sessions, search_id: str) -> None:
    """Runs a search whose trials all start at once: those, then the winner's training."""
    for _ in range(2):
        step(sessions, search_id)
        end_trainings(api, sessions, search_id)
    step(sessions, search_id)
