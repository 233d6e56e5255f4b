"""How long a page of a long list of jobs takes: python benchmarks/job_pages.py"""

import time

from services import percentile, running, wait_until_predicting

from app.config import Settings
from app.db import Sessions
from app.jobs import service
from app.jobs.specs import MnistTrainingSpec

JOBS = 10_000


def main() -> None:
    with running("api") as (client, _, folder):
        wait_until_predicting(client)
        sessions = Sessions(Settings(data_dir=folder).resolved_database_url)
        for _ in range(JOBS):
            service.submit(sessions, MnistTrainingSpec(kind="mnist_training"))
        for query in ({}, {"status": "queued"}, {"kind": "mnist_training", "status": "queued"}):
            for limit in (20, 100):
                milliseconds, seen, cursor = [], 0, {}
                while cursor is not None:
                    start = time.perf_counter()
                    page = client.get("/v1/jobs", params={"limit": limit} | query | cursor).json()
                    milliseconds.append(1000 * (time.perf_counter() - start))
                    seen += len(page["items"])
                    cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
                assert seen == JOBS
                p50, p99 = percentile(milliseconds, 0.5), percentile(milliseconds, 0.99)
                name = " ".join(f"{key}={value}" for key, value in (query | {"limit": limit}).items())
                print(f"{JOBS:,} queued jobs, {name:50} page p50 {p50:5.2f} ms   p99 {p99:5.2f} ms")


if __name__ == "__main__":
    main()
