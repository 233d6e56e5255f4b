"""Races for one job between processes: one winner each."""

from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

from app.db import Sessions
from app.jobs import runs, service
from app.jobs.dispatcher import reclaim, renew_stale_notifications
from app.jobs.specs import BackpropSweepSpec
from app.jobs.tables import Job
from tests.jobs.test_runs import expire
from tests.workers import claim

RACES = 100


def submit(sessions: Sessions, count: int) -> list[str]:
    return [service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))[0].id for _ in range(count)]


def race(url: str, both: Barrier, submits: bool) -> list[str]:
    """Claim the only job that waits at the moment when the other process does; the jobs that this one won."""
    sessions = Sessions(url)
    won = []
    for _ in range(RACES):
        if submits:
            submit(sessions, 1)
        both.wait(30)
        if claimed := runs.claim_next(sessions, "sweeps", lease_seconds=30):
            won.append(claimed.job_id)
        both.wait(30)
    sessions.close()
    return won


def test_two_workers_that_claim_one_job_have_one_winner_in_each_of_a_hundred_races(
    sessions: Sessions, database_url: str
) -> None:
    context = get_context("spawn")
    with context.Manager() as manager, context.Pool(2) as pool:
        both = manager.Barrier(2)
        sides = [(database_url, both, submits) for submits in (True, False)]
        first, second = pool.starmap(race, sides, chunksize=1)
    assert len(first + second) == len({*first, *second}) == RACES
    assert first
    assert second
    assert {service.get(sessions, job_id).attempt for job_id in first + second} == {1}


def test_two_dispatchers_at_once_requeue_each_lost_job_once_and_notify_of_it_once(sessions: Sessions) -> None:
    ids = submit(sessions, 40)
    for job_id in ids:
        claim(sessions, job_id)
        expire(sessions, job_id)
    with ThreadPoolExecutor(8) as pool:
        reclaimed = [
            job_id for found in pool.map(lambda _: reclaim(sessions, stall_seconds=600), range(8)) for job_id in found
        ]
        notified = [
            job_id
            for found in pool.map(lambda _: renew_stale_notifications(sessions, "sweeps"), range(8))
            for job_id in found
        ]
    assert sorted(reclaimed) == sorted(notified) == sorted(ids)
    for job_id in ids:
        job: Job = service.get(sessions, job_id)
        assert (job.status, job.events) == ("queued", 3)
