import asyncio
import time
from pathlib import Path

import httpx
import pytest

from app.db import Sessions
from app.jobs import event_feed, events, service
from app.jobs.event_feed import EventFeed
from app.jobs.specs import job_spec_adapter
from tests.raw import ApiProcess, post

SWEEP = b'{"kind": "backprop_sweep"}'
WAITING = 300
MAX_CORE_SHARE = 0.1  # 0.02 on an idle machine; each that asked by itself took 0.7


def submit(sessions: Sessions) -> str:
    job, _ = service.submit(sessions, job_spec_adapter.validate_python({"kind": "backprop_sweep"}))
    return job.id


def core_share(api: ApiProcess, seconds: float = 3) -> float:
    before = api.cpu_seconds
    time.sleep(seconds)
    return (api.cpu_seconds - before) / seconds


def test_many_clients_that_wait_cost_next_to_nothing_and_nothing_when_they_have_left(tmp_path: Path) -> None:
    api = ApiProcess(tmp_path / "data")
    try:
        connections = [api.connect() for _ in range(WAITING)]
        for connection in connections:
            connection.sendall(post("/v1/jobs", "application/json", SWEEP, "Prefer: wait=60"))
        deadline = time.monotonic() + 30
        while queued(api) < WAITING:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        time.sleep(1)
        waiting = core_share(api)
        for connection in connections:
            connection.close()
        while api.log.read_text().count("POST /v1/jobs 499") < WAITING:
            assert time.monotonic() < deadline + 30
            time.sleep(0.2)
        left = core_share(api)
        print(f"{WAITING} waiting: {100 * waiting:.1f} % of a core; after they had left: {100 * left:.1f} %")
        assert waiting < MAX_CORE_SHARE
        assert left < MAX_CORE_SHARE / 2
    finally:
        api.stop()


def queued(api: ApiProcess) -> int:
    queues = {queue["name"]: queue["queued"] for queue in api.client.get("/v1/system").json()["queues"]}
    return int(queues["sweeps"])


def test_wait_past_the_bound_is_answered_at_once(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_feed, "MAX_WAITS", 0)
    started = time.monotonic()
    answer = api.post("/v1/jobs", content=SWEEP, headers={"Content-Type": "application/json", "Prefer": "wait=30"})
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers
    assert time.monotonic() - started < 5


def test_all_waits_share_one_query_and_end_with_their_job(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, other = submit(sessions), submit(sessions)
    asked: list[int] = []

    def count(sessions: Sessions, job_ids: list[str]) -> dict[str, tuple[int, bool]]:
        asked.append(len(job_ids))
        return events.newest_events(sessions, job_ids)

    monkeypatch.setattr(event_feed, "newest_events", count)

    async def wait() -> float:
        feed = EventFeed(sessions)

        async def end(job_id: str, seconds: float) -> float:
            await feed.wait_for_end(job_id, seconds=seconds, is_disconnected=lambda: False)
            return time.monotonic()

        waits = [asyncio.create_task(end(job_id, 2)) for job_id in [ended] * 50 + [other] * 50]
        await asyncio.sleep(0.5)
        cancelled = time.monotonic()
        await asyncio.to_thread(service.cancel, sessions, ended)
        ends = await asyncio.gather(*waits)
        assert min(ends[50:]) > max(ends[:50])  # the other job has not ended
        return max(ends[:50]) - cancelled

    assert asyncio.run(wait()) < 1
    assert max(asked) == 2
    assert len(asked) < 60


def test_wait_ends_when_its_client_has_disconnected(sessions: Sessions) -> None:
    job_id = submit(sessions)

    async def wait() -> float:
        started = time.monotonic()
        is_gone = lambda: time.monotonic() > started + 0.2  # noqa: E731
        await EventFeed(sessions).wait_for_end(job_id, seconds=30, is_disconnected=is_gone)
        return time.monotonic() - started

    assert asyncio.run(wait()) < 5
