"""Many processes on one database: no job twice, no write lost, nobody told that the database is locked."""

from itertools import chain
from multiprocessing import get_context

from app.db import Sessions
from app.jobs import runs, service
from app.jobs.specs import BackpropSweepSpec

PROCESSES, JOBS, WRITES_PER_JOB = 8, 400, 5


def work(url: str, claims: int) -> list[str]:
    """Claim so many times, write to each job under its claim, and end it."""
    sessions = Sessions(url)
    done = []
    for _ in range(claims):
        claim = runs.claim_next(sessions, "sweeps", lease_seconds=30)
        if claim is None:
            continue
        for number in range(WRITES_PER_JOB):
            assert runs.report(sessions, claim, "log", {"message": str(number)})
        assert runs.succeed(sessions, claim, lambda _: {})
        done.append(claim.job_id)
    sessions.close()
    return done


def test_eight_processes_share_four_hundred_jobs_and_two_thousand_writes(sessions: Sessions, database_url: str) -> None:
    spec = BackpropSweepSpec(kind="backprop_sweep")
    ids = [service.submit(sessions, spec)[0].id for _ in range(JOBS)]
    claims = 2 * JOBS // PROCESSES  # two claims for each job
    with get_context("spawn").Pool(PROCESSES) as pool:
        done = pool.starmap(work, [(database_url, claims)] * PROCESSES, chunksize=1)
    assert sorted(chain.from_iterable(done)) == sorted(ids)
    for job_id in ids:
        job = service.get(sessions, job_id)
        assert (job.status, job.attempt, job.events) == ("succeeded", 1, WRITES_PER_JOB + 3)
