"""The end of a service that is in use: a real `numeral api` that gets SIGTERM."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import wait_for
from tests.raw import ApiProcess, post, read_answer

PIXELS = json.dumps({"pixels": [0] * 300 + [200] * 100 + [0] * 384}).encode()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiProcess]:
    running = ApiProcess(tmp_path / "data")
    yield running
    running.stop()


def test_end_loses_no_request_and_says_so_first(server: ApiProcess) -> None:
    """Clients that open a connection for each request go on until nobody listens any more."""
    request = post("/v1/predict", "application/json", PIXELS)
    outcomes: Counter[str] = Counter()

    async def ask() -> str:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        except ConnectionError:  # nothing was sent
            return "refused"
        try:
            writer.write(request)
            status = (await reader.readline()).split()
            return status[1].decode() if status else "lost"
        except ConnectionResetError:
            return "lost"
        finally:
            writer.close()

    async def client() -> None:
        while (outcome := await ask()) != "refused":
            outcomes[outcome] += 1

    async def clients() -> bool:
        running = [asyncio.create_task(client()) for _ in range(8)]
        while outcomes["200"] < 50:
            await asyncio.sleep(0.01)
        server.terminate()
        statuses = set()
        while not all(task.done() for task in running):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
                statuses.add((await reader.readline())[9:12])
                writer.close()
            except ConnectionError:
                pass
            await asyncio.sleep(0.02)
        await asyncio.gather(*running)
        return b"503" in statuses

    assert asyncio.run(clients()), "it did not say that it is not ready"
    server.process.wait(10)
    assert set(outcomes) == {"200"}, outcomes


def test_kept_connections_are_closed_with_an_answer(server: ApiProcess) -> None:
    request = post("/v1/predict", "application/json", PIXELS)
    with server.connect() as connection:
        connection.sendall(request)
        assert "connection" not in read_answer(connection)[1]
        server.terminate()
        wait_for(lambda: server.client.get("/readyz").status_code == 503, seconds=5)
        connection.sendall(request)
        status, headers, _ = read_answer(connection)
        assert (status, headers["connection"]) == (200, "close")
    server.process.wait(10)


def test_open_event_stream_does_not_delay_the_end(server: ApiProcess) -> None:
    job = server.client.post("/v1/jobs", json={"kind": "backprop_sweep"}).json()
    with server.client.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        events = stream.iter_lines()
        assert next(events)
        start = time.monotonic()
        server.terminate()
        server.process.wait(10)
        assert time.monotonic() - start < 4  # 1 s of drain, and no waiting for the stream, which would take 5 more


def test_request_that_outlasts_the_end_is_told_to_come_again(server: ApiProcess) -> None:
    with server.connect() as connection:
        connection.sendall(post("/v1/predict", "application/json", PIXELS)[:-100])  # and the rest never comes
        server.terminate()
        status, headers, body = read_answer(connection)
        assert (status, headers["retry-after"]) == (503, "1")
        assert b"ask again" in body
    server.process.wait(10)
