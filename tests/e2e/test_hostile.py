"""Bad input against a real server: no 500, no growth, every refusal explained."""

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import wait_for
from tests.hostile import PREDICT, SEVEN, Request, hostile_requests
from tests.raw import ApiProcess, post, read_answer

Answer = tuple[str, int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    running = ApiProcess(tmp_path_factory.mktemp("hostile") / "data")
    yield running
    running.stop()


def send_all(server: ApiProcess, requests: list[Request]) -> list[Answer]:
    """What each is answered; four clients, which connect again when they are cut off."""
    waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
    for request in requests:
        waiting.put(request)
    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(_send_from, server, waiting) for _ in range(4)]
        return [answer for client in clients for answer in client.result()]


def _send_from(server: ApiProcess, waiting: "queue.SimpleQueue[Request]") -> list[Answer]:
    answers: list[Answer] = []
    connection = server.connect()
    with contextlib.suppress(queue.Empty):
        while True:
            name, request = waiting.get_nowait()
            connection.sendall(request)
            status, headers, body = read_answer(connection)
            answers.append((name, status, headers, body))
            if headers.get("connection") == "close":
                connection.close()
                connection = server.connect()
    connection.close()
    return answers


def assert_explained(name: str, status: int, headers: dict[str, str], body: bytes) -> None:
    is_late = status == 504 and name.startswith("X-Request-Timeout")
    assert status == 200 or 400 <= status < 500 or is_late, (name, status, body)
    if headers["content-type"].startswith("text/plain"):  # uvicorn's, for what is not HTTP
        assert body == b"Invalid HTTP request received.", name
    elif status != 200:
        problem = json.loads(body)
        assert len(problem.get("detail") or problem["error"]) > 20, (name, body)
        assert "Traceback" not in body.decode()


def assert_well(server: ApiProcess) -> None:
    answer = server.client.post(PREDICT, content=SEVEN.read_bytes(), headers={"Content-Type": "image/png"})
    assert answer.json()["digit"] == 7
    log = server.log.read_text()
    assert "unexpected error" not in log
    assert "Traceback" not in log


def test_two_thousand_hostile_requests_meet_no_500_and_leave_nothing_behind(server: ApiProcess) -> None:
    requests = hostile_requests(seed=7)
    assert len(requests) > 2000
    answers = send_all(server, requests[:800])
    megabytes = server.resident_megabytes
    answers += send_all(server, requests[800:])
    assert len(answers) == len(requests)
    for answer in answers:
        assert_explained(*answer)
    assert sum(status != 200 for _, status, _, _ in answers) > 0.7 * len(answers)
    assert server.shrinks_below(megabytes + 40)
    assert_well(server)


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: -5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 99999999999999999999999",
        "Content-Length: x",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked",  # and what follows is no chunk
    ],
)
def test_length_that_is_no_length_is_refused(server: ApiProcess, head: str) -> None:
    with server.connect() as connection:
        connection.sendall(
            f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n{head}\r\n\r\nzzzzzz".encode()
        )
        connection.shutdown(socket.SHUT_WR)
        status, headers, body = read_answer(connection)
        assert status in (400, 413, 422), (status, body)
        assert_explained(head, status, headers, body)
    assert_well(server)


def test_slow_and_half_closed_connections_hinder_nobody_and_are_forgotten(server: ApiProcess) -> None:
    whole = post(PREDICT, "image/png", SEVEN.read_bytes())
    descriptors = len(list(server.descriptors()))
    slow = []
    for cut in range(0, len(whole) - 1, len(whole) // 60):  # in the first line, in a header, in the body
        connection = server.connect()
        connection.sendall(whole[:cut])
        if cut % 3 == 0:
            connection.shutdown(socket.SHUT_WR)
        slow.append((connection, whole[cut:], cut % 3 == 0))
    assert_well(server)
    for connection, rest, is_half_closed in slow[::2]:
        if not is_half_closed:
            connection.sendall(rest)  # late, but complete
            assert json.loads(read_answer(connection)[2])["digit"] == 7
    for number, (connection, _, _) in enumerate(slow):
        if number % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset
        connection.close()
    wait_for(lambda: len(list(server.descriptors())) <= descriptors + 2, seconds=20)
    assert_well(server)


def test_client_that_sends_byte_by_byte_is_answered(server: ApiProcess) -> None:
    request = post(PREDICT, "image/png", SEVEN.read_bytes()[:100])
    with server.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for position in range(len(request)):
            connection.sendall(request[position : position + 1])
        assert read_answer(connection)[0] == 422


def test_requests_sent_without_waiting_for_answers_are_answered_in_order(server: ApiProcess) -> None:
    kinds = [
        post(PREDICT, "image/png", SEVEN.read_bytes()),
        post(PREDICT, "image/png", b"no"),
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    ]
    with server.connect() as connection:
        sending = threading.Thread(target=connection.sendall, args=(b"".join(kinds * 20),))
        sending.start()
        # Read in one go: answers may come together, and read_answer would take the next one's bytes along.
        received = b""
        while received.count(b"HTTP/1.1 ") < 60 or not received.endswith(b"}"):
            received += connection.recv(65536)
        sending.join()
    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"422", b"200"] * 20
