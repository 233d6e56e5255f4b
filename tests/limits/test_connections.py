"""Heads, bodies and connections are bounded in the server itself, before the application sees a request."""

import asyncio
import gc
import socket
import threading
import time
from contextlib import suppress

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.server import protocol
from app.server.limits import affordable_connections
from app.server.protocol import BoundedProtocol
from tests.limits.conftest import SHORT, Server, running

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
GOOD = HEAD + b"\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        pytest.param([b"GET /", b"a" * 70_000, b" HTTP/1.1\r\nHost: x\r\n\r\n"], 414, id="long URL"),
        pytest.param([b"GET /?", b"a" * 200_000], 414, id="URL without end"),
        pytest.param([HEAD, b"X: ", *[b"a" * 100_000] * 20], 431, id="value without end"),
        pytest.param([HEAD, *[b"a" * 100_000] * 20], 431, id="name without end"),
        pytest.param([HEAD, b"X: " + b"a" * 66_000, b"\r\n\r\n"], 431, id="long value"),
        pytest.param([HEAD, *(b"X-%d: a\r\n" % i for i in range(100)), b"\r\n"], 431, id="101 fields"),
        pytest.param([HEAD, b"".join(b"X-%d: %s\r\n" % (i, b"a" * 700) for i in range(98)), b"\r\n"], 431, id="68 KB"),
        pytest.param([b"GET / HTTP/1.1\r\n\r\n"], 400, id="no Host"),
        pytest.param([b"GET / HTTP/1.1\r\nHost:\r\n\r\n"], 400, id="empty Host"),
        pytest.param([HEAD, b"Host: y\r\n\r\n"], 400, id="two Hosts"),
        pytest.param([b"NONSENSE\r\n\r\n"], 400, id="no HTTP"),
        pytest.param([POST, b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", *[b"a" * 100_000] * 20], 431, id="trailer"),
        pytest.param(
            [POST, b"Transfer-Encoding: chunked\r\n\r\n1;", *[b"a" * 100_000] * 20], 431, id="chunk extension"
        ),
        pytest.param([POST, b"Content-Length: 99999999\r\n\r\n", *[b"a" * 100_000] * 60], 503, id="bodies in memory"),
    ],
)
def test_more_than_the_budget_is_rejected_with_a_problem_document(
    bounded: Server, parts: list[bytes], status: int
) -> None:
    found, answer = bounded.ask(*parts)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert found == status, answer
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    assert b"nosniff" in head
    assert b'"detail"' in body
    assert bounded.ask(GOOD)[0] == 200
    assert bounded.connections.budget.used_bytes == 0


def test_a_body_that_is_stored_as_it_arrives_takes_nothing_of_the_budget(bounded: Server) -> None:
    size = 3 * SHORT.max_body_bytes
    head = b"POST /stored HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
    status, answer = bounded.ask(head, *[b"a" * 65_536] * (size // 65_536))
    assert (status, answer.rpartition(b"\r\n\r\n")[2]) == (200, b"%d" % size)
    assert bounded.connections.budget.used_bytes == 0


def test_what_is_within_the_budget_passes(bounded: Server) -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (i, b"a" * 600) for i in range(98))
    assert bounded.ask(HEAD, fields, b"\r\n")[0] == 200
    assert bounded.ask(b"GET / HTTP/1.0\r\n\r\n")[0] == 200
    assert bounded.ask(POST, b"Content-Length: 3000000\r\n\r\n", b"a" * 3_000_000)[1].endswith(b"3000000")
    assert bounded.ask(GOOD + GOOD)[0] == 200


def test_fields_of_a_trailer_are_no_headers(bounded: Server) -> None:
    trailer = b"X-Forwarded-For: 6.6.6.6\r\nAuthorization: Bearer x\r\nHost: evil\r\n\r\n"
    assert bounded.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" + trailer)[0] == 200
    assert [name for name, _ in bounded.seen[-1]["headers"]] == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"", 0, id="nothing"),
        pytest.param(b"GET / HT", 408, id="half a head"),
        pytest.param(POST + b"Content-Length: 100\r\n\r\nabc", 408, id="half a body"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", 408, id="half a chunk"),
        pytest.param(GOOD, 200, id="idle after an answer"),
    ],
)
def test_connection_that_stands_still_is_closed(bounded: Server, sent: bytes, status: int) -> None:
    with bounded.connect() as connection:
        start = time.monotonic()
        connection.sendall(sent)
        answer = connection.recv(2**16)
        assert int(answer[9:12] or b"0") == status
        while connection.recv(2**16):
            pass
        assert time.monotonic() - start < SHORT.idle_seconds + 4


def test_head_that_drips_is_ended(bounded: Server) -> None:
    with bounded.connect() as connection:
        start = time.monotonic()
        try:
            for letter in HEAD * 100:
                connection.sendall(bytes([letter]))
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - start < SHORT.head_seconds + 4


def test_answer_before_the_end_of_the_body_reaches_a_client_that_goes_on_sending(bounded: Server) -> None:
    head = b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n"
    with bounded.connect() as connection:
        connection.sendall(head)
        for _ in range(30):
            connection.sendall(b"a" * 100_000)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", ["/early", "/early/kept"])
def test_rest_of_an_answered_body_is_read_once_per_iteration_of_the_loop(
    bounded: Server, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """uvloop would read a connection 32 times, 8 MB, before the next one: 40 such clients made others wait 400 ms."""
    reads, is_counted = list[int](), threading.Event()  # the number of the iteration of each
    iteration = 0

    def count_iterations(loop: asyncio.AbstractEventLoop) -> None:
        nonlocal iteration
        iteration += 1
        if not is_counted.is_set():
            loop.call_soon(count_iterations, loop)

    def data_received(connection: BoundedProtocol, data: bytes) -> None:
        if not reads:
            connection.loop.call_soon(count_iterations, connection.loop)
        reads.append(iteration)
        time.sleep(0.002)  # so that the client is faster than the server
        original(connection, data)

    original = BoundedProtocol.data_received
    monkeypatch.setattr(BoundedProtocol, "data_received", data_received)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n".encode()
    sent = threading.Thread(target=bounded.ask, args=(head, *[b"a" * 1_000_000] * 30))
    sent.start()
    sent.join()
    later = reads[3:]  # than the answer
    is_counted.set()  # the server may still read what was sent
    assert len(later) > 10
    assert len(set(later)) == len(later)


def test_head_and_body_of_an_answer_arrive_together(bounded: Server) -> None:
    with bounded.connect() as connection:
        for _ in range(50):
            connection.sendall(GOOD)
            assert connection.recv(2**16).endswith(b"\r\n\r\n0")


def test_head_does_not_wait_for_a_body_that_comes_later(bounded: Server) -> None:
    with bounded.connect() as connection:
        connection.sendall(b"GET /later HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(2**16).endswith(b"\r\n\r\n")
        assert connection.recv(2**16) == b"0"


def test_answer_without_a_body_is_sent_before_the_connection_closes(bounded: Server) -> None:
    with bounded.connect() as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.recv(2**16).endswith(b"\r\n\r\n")
        assert connection.recv(2**16) == b""


def test_sweep_in_many_slices_reaches_every_connection(bounded: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SLICE_SECONDS", 1e-6)
    slow = [bounded.connect() for _ in range(15)]
    for connection in slow:
        connection.sendall(b"GET / HT")
    assert [connection.recv(2**16)[9:12] for connection in slow] == 15 * [b"408"]
    for connection in slow:
        connection.close()


def test_new_client_gets_in_past_any_number_of_idle_ones(bounded: Server) -> None:
    idle = [bounded.connect() for _ in range(3 * SHORT.max_connections)]
    try:
        assert bounded.ask(GOOD)[0] == 200
    finally:
        for connection in idle:
            connection.close()


def test_too_many_busy_connections_are_told_to_come_back(bounded: Server) -> None:
    busy = [bounded.connect() for _ in range(SHORT.max_connections)]
    for connection in busy:
        connection.sendall(POST + b"Content-Length: 10\r\n\r\nab")
    try:
        deadline = time.monotonic() + 5
        while (found := bounded.ask(GOOD))[0] == 200:  # until the server has seen all of them
            assert time.monotonic() < deadline
        assert found[0] == 503
        assert b"retry-after: 1" in found[1]
    finally:
        for connection in busy:
            connection.close()


def test_answer_that_nobody_reads_is_given_up(bounded: Server) -> None:
    readers = [bounded.connect() for _ in range(4)]
    for reader in readers:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    deadline = time.monotonic() + 15
    while unread_bytes(bounded) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while unread_bytes(bounded) > 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for reader in readers:
        reader.close()
    assert bounded.ask(GOOD)[0] == 200


def unread_bytes(server: Server) -> int:
    return sum(connection.unread_bytes for connection in list(server.connections.open_connections))


def test_memory_of_bodies_is_counted_until_they_are_answered() -> None:
    with running(SHORT) as server:
        sending: list[socket.socket] = []
        for _ in range(3):
            connection = server.connect()
            connection.sendall(POST + b"Content-Length: 2000000\r\n\r\n" + b"a" * 1_000_000)
            sending.append(connection)
        deadline = time.monotonic() + 5
        while server.connections.budget.used_bytes < 3_000_000:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert server.ask(POST + b"Content-Length: 2000000\r\n\r\n" + b"a" * 2_000_000)[0] == 503
        for connection in sending:
            connection.close()
        while server.connections.budget.used_bytes:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert server.ask(POST + b"Content-Length: 2000000\r\n\r\n" + b"a" * 2_000_000)[0] == 200


def test_connections_leave_descriptors_for_files() -> None:
    assert affordable_connections(10**9) <= 65_536 - 256
    assert affordable_connections(100) == 100


FIELDS = b"".join(b"X-%d: a\r\n" % number for number in range(4000)) * 20
LARGE_HEADS = {
    "fields": b"GET / HTTP/1.1\r\nHost: x\r\n" + FIELDS,
    "trailers": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + FIELDS,
    "within the budget": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(90)) + b"\r\n",
}


@pytest.mark.parametrize("request_bytes", LARGE_HEADS.values(), ids=LARGE_HEADS.keys())
def test_a_closed_connection_is_freed_without_a_garbage_collection(bounded: Server, request_bytes: bytes) -> None:
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            with bounded.connect() as connection, suppress(ConnectionError):
                connection.sendall(request_bytes)
                connection.recv(1000)
        bounded.wait_until_closed()
        bounded.seen.clear()
        kept = [each for each in gc.get_objects() if type(each) in (BoundedProtocol, RequestResponseCycle)]
        fields = [
            each
            for each in gc.get_objects()
            if type(each) is tuple and each and type(each[0]) is bytes and each[0] == b"x-1"
        ]
    finally:
        gc.enable()
    assert len(kept) <= 2  # the event loop may still name the last one and its request; 40 otherwise
    assert fields == []
