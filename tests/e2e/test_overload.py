"""More than the service can do, and its end: a real `numeral api` in a process of its own."""

import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import wait_for
from tests.raw import ApiProcess, post, read_answer

ROOT = Path(__file__).parents[2]
SEVEN = (ROOT / "docs" / "examples" / "seven.png").read_bytes()
PIXELS = json.dumps({"pixels": [0] * 300 + [200] * 100 + [0] * 384}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    running = ApiProcess(tmp_path_factory.mktemp("overload") / "data")
    yield running
    running.stop()


def flood(server: ApiProcess, request: bytes, *, connections: int, requests: int) -> dict[str, float]:
    """Send `requests` as fast as they are answered, the first of all connections at once: answers by status, and CPU
    microseconds for each good one.
    """
    before = server.cpu_seconds
    command = [sys.executable, ROOT / "benchmarks" / "load.py", str(server.port), str(connections), str(requests)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
        assert load.stdin is not None
        assert load.stdout is not None
        with server.paused():
            load.stdin.write(request)
            load.stdin.close()
            wait_for(lambda: server.count_unread() >= connections, seconds=30)
        found = json.loads(load.stdout.read())
    statuses: dict[str, float] = found["statuses"]
    assert set(statuses) <= {"200", "429"}
    return statuses | {"cpu": 1e6 * (server.cpu_seconds - before) / statuses["200"]}


def test_many_times_too_much_costs_those_who_are_served_little_and_the_service_stays_alive(server: ApiProcess) -> None:
    request = post("/v1/predict", "application/json", PIXELS)
    flood(server, request, connections=16, requests=500)
    alone = flood(server, request, connections=16, requests=3000)
    for _ in range(3):
        flood(server, request, connections=256, requests=1500)  # what it needs for so many connections, it has then
    megabytes = server.resident_megabytes
    waits: list[float] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.02):
            start = time.perf_counter()
            assert server.client.get("/livez").is_success
            waits.append(time.perf_counter() - start)

    looking = threading.Thread(target=look)
    looking.start()
    flooded = flood(server, request, connections=256, requests=4000)
    is_over.set()
    looking.join()
    assert flooded["429"] > 0
    assert alone["cpu"] / flooded["cpu"] > 0.6  # 0.9 on a quiet machine; this one may be shared
    assert statistics.median(waits) < 0.1
    assert server.shrinks_below(megabytes + 25)


def test_large_pictures_are_refused_before_they_are_decoded(server: ApiProcess) -> None:
    found = flood(server, post("/v1/predict", "image/png", SEVEN), connections=200, requests=500)
    assert found["429"] > 0
    assert found["200"] > 36


def test_refusal_says_when_to_come_back(server: ApiProcess) -> None:
    batch = json.dumps({"items": [json.loads(PIXELS)] * 256}).encode()
    connections = [server.connect() for _ in range(60)]  # more than the decoders' queue holds
    for connection in connections:
        connection.sendall(post("/v1/predict/batch", "application/json", batch))
    answers = [read_answer(connection) for connection in connections]
    for connection in connections:
        connection.close()
    assert Counter(status for status, _, _ in answers).keys() == {200, 429}
    for status, headers, body in answers:
        if status == 429:
            assert headers["retry-after"] == "1"
            assert json.loads(body)["type"] == "urn:numeral:Overloaded"
            assert "ask again" in json.loads(body)["detail"]


def test_request_whose_time_is_up_is_504_and_one_with_time_is_answered(server: ApiProcess) -> None:
    for content, media_type in ((SEVEN, "image/png"), (PIXELS, "application/json")):
        for timeout, status in (("0.000001", 504), ("0", 504), ("30", 200)):
            headers = {"Content-Type": media_type, "X-Request-Timeout": timeout}
            answer = server.client.post("/v1/predict", content=content, headers=headers)
            assert answer.status_code == status, answer.text
            assert status == 200 or answer.json()["title"] == "Deadline exceeded"
    for wrong in ("-1", "soon", "1e3", "nan", ""):
        headers = {"Content-Type": "image/png", "X-Request-Timeout": wrong}
        answer = server.client.post("/v1/predict", content=SEVEN, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "header.X-Request-Timeout")


def test_pictures_of_clients_that_hung_up_are_not_read(server: ApiProcess) -> None:
    batch = json.dumps({"items": [{"pixels": [[k % 256] * 28] * 28} for k in range(256)]}).encode()
    request = post("/v1/predict/batch", "application/json", batch)
    with server.connect() as connection:
        before = server.cpu_seconds
        for _ in range(10):
            connection.sendall(request)
            assert read_answer(connection)[0] == 200
        one = (server.cpu_seconds - before) / 10
    before = server.cpu_seconds
    for _ in range(30):
        with server.connect() as connection:
            connection.sendall(request)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset
    assert server.client.post("/v1/predict", content=SEVEN, headers={"Content-Type": "image/png"}).is_success
    wait_for(lambda: server.client.get("/readyz").is_success, seconds=10)
    assert server.cpu_seconds - before < 0.7 * 30 * one


def test_idle_service_takes_next_to_no_processor_time(server: ApiProcess) -> None:
    flood(server, post("/v1/predict", "application/json", PIXELS), connections=4, requests=20)
    before, start = server.cpu_seconds, time.monotonic()
    wait_for(lambda: time.monotonic() > start + 5, seconds=10)
    assert (server.cpu_seconds - before) / (time.monotonic() - start) < 0.02
