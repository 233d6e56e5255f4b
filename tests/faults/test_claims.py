"""Races for one job between processes: one winner each."""

from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

from app.db import Sessions
from app.jobs import runs, service
from app.jobs.dispatcher import reclaim, take_stale_hints
from app.jobs.specs import BackpropSweepSpec
from app.jobs.tables import Job
from tests.jobs.test_runs import expire

RACES = 100


def submit(sessions: Sessions, count: int) -> list[str]:
    return [service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))[0].id for _ in range(count)]


def race(url: str, hint: str, both: Barrier, submits: bool) -> list[str]:
    """Claim the only job that waits at the moment when the other process does; the jobs that this one won."""
    sessions = Sessions(url)
    won = []
    for _ in range(RACES):
        if submits:
            submit(sessions, 1)
        both.wait(30)
        if claim := runs.claim_in_turn(sessions, hint, lease_seconds=30):
            won.append(claim.job_id)
        both.wait(30)
    sessions.close()
    return won


def test_two_workers_that_claim_one_job_have_one_winner_in_each_of_a_hundred_races(
    sessions: Sessions, database_url: str
) -> None:
    hint = submit(sessions, 1)[0]  # a hint says in which queue there is work
    service.cancel(sessions, hint)
    context = get_context("spawn")
    with context.Manager() as manager, context.Pool(2) as pool:
        both = manager.Barrier(2)
        sides = [(database_url, hint, both, submits) for submits in (True, False)]
        first, second = pool.starmap(race, sides, chunksize=1)
    assert len(first + second) == len({*first, *second}) == RACES
    assert first
    assert second
    assert {service.get(sessions, job_id).attempt for job_id in first + second} == {1}


def test_two_dispatchers_at_once_give_each_lost_job_back_once_and_hint_it_once(sessions: Sessions) -> None:
    ids = submit(sessions, 40)
    for job_id in ids:
        runs.claim(sessions, job_id, lease_seconds=30)
        expire(sessions, job_id)
    with ThreadPoolExecutor(8) as pool:
        reclaimed = [
            job_id for found in pool.map(lambda _: reclaim(sessions, stall_seconds=600), range(8)) for job_id in found
        ]
        hinted = [
            job_id
            for found in pool.map(lambda _: take_stale_hints(sessions, "sweeps"), range(8))
            for job_id, *_ in found
        ]
    assert sorted(reclaimed) == sorted(hinted) == sorted(ids)
    for job_id in ids:
        job: Job = service.get(sessions, job_id)
        assert (job.status, job.events) == ("queued", 3)
