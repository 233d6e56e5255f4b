"""Two hundred readers of one job's events, while the API is killed and started again."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.config import Settings
from app.db import Sessions
from app.jobs import runs, service
from app.jobs.specs import BackpropSweepSpec
from app.migrations.migrate import upgrade
from tests.conftest import free_port

READERS, EVENTS = 200, 60
SOME = EVENTS // 3


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path, port=free_port())
    upgrade(settings.resolved_database_url)
    return settings


@pytest.fixture
def restart_api(settings: Settings) -> Iterator[Callable[[], None]]:
    """Starts `numeral api`; once more, kills it first, as a power cut would."""
    running: list[subprocess.Popen[bytes]] = []

    def restart() -> None:
        for process in running:
            process.kill()
            process.wait()
        command = [sys.executable, "-m", "app.cli", "api"]
        running.append(subprocess.Popen(command, env=os.environ | settings.as_environment()))

    yield restart
    running[-1].terminate()
    running[-1].wait(20)


def test_two_hundred_readers_see_each_event_once_across_a_restart_of_the_api(
    settings: Settings, restart_api: Callable[[], None]
) -> None:
    sessions = Sessions(settings.resolved_database_url)
    job, _ = service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))
    claimed = runs.claim_next(sessions, job.queue, lease_seconds=300)
    assert claimed is not None

    def report(count: int) -> None:
        for _ in range(count):
            runs.report(sessions, claimed, "log", {"message": "still here"})
            time.sleep(0.02)  # the pace of the job, not a wait for something

    async def watch() -> list[list[int]]:
        seen: list[list[int]] = [[] for _ in range(READERS)]
        readers = [asyncio.create_task(read(settings.port, job.id, numbers)) for numbers in seen]
        while any(len(numbers) < 2 + SOME for numbers in seen):  # queued, running and the first of the log
            await asyncio.sleep(0.05)
        restart_api()
        await asyncio.to_thread(report, EVENTS - SOME)
        await asyncio.to_thread(runs.succeed, sessions, claimed, lambda _: {})
        await asyncio.gather(*readers)
        return seen

    restart_api()
    with ThreadPoolExecutor(1) as worker:
        reporting = worker.submit(report, SOME)
        seen = asyncio.run(asyncio.wait_for(watch(), timeout=90))
        reporting.result()
    sessions.close()
    assert all(numbers == list(range(1, 2 + EVENTS + 2)) for numbers in seen)


async def read(port: int, job_id: str, numbers: list[int]) -> None:
    """Append the numbers of the job's events until it has ended; come back where the connection ends before."""
    is_ended = False
    while not is_ended:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        last = numbers[-1] if numbers else ""
        lines = [
            f"GET /v1/jobs/{job_id}/events HTTP/1.1",
            "Host: localhost",
            "Connection: close",
            f"Last-Event-ID: {last}",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        try:
            number = 0
            while line := await reader.readline():
                if line.startswith(b"id: "):
                    number = int(line[4:])
                elif line == b"\n" and number:  # only a whole event counts
                    numbers.append(number)
                    number = 0
                is_ended |= b'"succeeded"' in line
        except ConnectionError:
            pass
        writer.close()
