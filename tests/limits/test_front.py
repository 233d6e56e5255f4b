"""What HAProxy lets through with deploy/haproxy.cfg: a real one, before a server that says what it was asked."""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import free_port

CONFIG = (Path(__file__).parents[2] / "deploy/haproxy.cfg").read_text()
pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="HAProxy is not installed")


class Echo(BaseHTTPRequestHandler):
    """Answers with the path and the headers of the request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(
            {"path": self.path, "headers": [[name.lower(), value] for name, value in self.headers.items()]}
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:  # the checks of HAProxy
        pass


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:  # HAProxy resets its connections when it ends
        pass


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a HAProxy with the project's rules; its head timeout is a second."""
    port, server = free_port(), QuietServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    changes = {
        "bind :8000": f"bind 127.0.0.1:{port}",
        "127.0.0.1:8002": f"127.0.0.1:{free_port()}",
        "127.0.0.1:8001": f"127.0.0.1:{free_port()}",
        "server-template api 8 api:8000": f"server api1 127.0.0.1:{server.server_port}",
        " resolvers docker init-addr libc,none": "",
        "timeout http-request 10s": "timeout http-request 1s",
    }
    text = CONFIG
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    file = tmp_path_factory.mktemp("front") / "haproxy.cfg"
    file.write_text(text)
    process = subprocess.Popen(["haproxy", "-db", "-f", str(file)])
    try:
        deadline = time.monotonic() + 20
        while ask(port, b"/livez")[0] != 200:
            assert process.poll() is None, "HAProxy ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait(10)
        server.shutdown()
        thread.join()
        server.server_close()


def ask(port: int, path: bytes, *headers: bytes) -> tuple[int, bytes]:
    """Status and body; 0 where the connection was closed."""
    head = b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers, b"", b""])
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(head)
            received = b""
            while part := connection.recv(65536):
                received += part
    except OSError:
        return 0, b""
    return (int(received[9:12]), received.partition(b"\r\n\r\n")[2]) if received else (0, b"")


@pytest.mark.parametrize(
    "path",
    [
        b"/metrics",
        b"/%6detrics",
        b"/%6D%65%74%72%69%63%73",
        b"//metrics",
        b"///metrics/",
        b"/./metrics",
        b"/%2e/metrics",
        b"/%2Fmetrics",
        b"/METRICS",
        b"/Metrics?x=1",
        b"/metrics;x",
        b"/metrics%00",
        b"/metrics%3Fx",
        b"/metrics%23",
        b"/metrics/x",
        b"/v1/../metrics",
        b"/v1/%2e%2e/metrics",
        b"/..%2fmetrics",
        b"\\metrics",
        b"/%5cmetrics",
        b"http://localhost/metrics",
        b"http://other.example/%6detrics",
    ],
)
def test_metrics_are_closed_in_every_spelling(front: int, path: bytes) -> None:
    assert ask(front, path)[0] in (400, 404)


@pytest.mark.parametrize(
    "path", [b"/v1/datasets/metrics", b"/v1/models/metrics/files/x", b"/metrics2", b"/v1/jobs?x=/metrics"]
)
def test_other_paths_pass(front: int, path: bytes) -> None:
    status, body = ask(front, path)
    assert (status, json.loads(body)["path"]) == (200, path.decode())


def test_client_cannot_say_where_it_comes_from(front: int) -> None:
    told = [
        b"X-Forwarded-For: 6.6.6.6",
        b"X-FORWARDED-FOR: 7.7.7.7",
        b"Forwarded: for=8.8.8.8",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Prefix: /other",
    ]
    headers = json.loads(ask(front, b"/livez", *told)[1])["headers"]
    assert [value for name, value in headers if name == "x-forwarded-for"] == ["127.0.0.1"]
    assert [value for name, value in headers if name == "x-forwarded-proto"] == ["http"]
    assert not [value for name, value in headers if name in ("forwarded", "x-forwarded-prefix")]


def test_dripping_head_is_ended(front: int) -> None:
    with socket.create_connection(("127.0.0.1", front), timeout=10) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        started = time.monotonic()
        for _ in range(8):
            time.sleep(0.4)
            try:
                connection.sendall(b"X")
            except OSError:
                break
        assert connection.recv(200)[9:12] == b"408"
        assert time.monotonic() - started < 6
