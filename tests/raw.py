"""Requests as bytes, for tests of what a proper client would not do; and a server in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from tests.conftest import free_port


class ApiProcess:
    """`numeral api` on a free port, with a database of its own."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.port = free_port()
        self.log = data_dir.parent / f"{data_dir.name}.log"
        environment = os.environ | {"NUMERAL_DATA_DIR": str(data_dir), "NUMERAL_PORT": str(self.port)} | settings
        command = [sys.executable, "-m", "app.cli"]
        subprocess.run([*command, "migrate"], env=environment, check=True, capture_output=True)
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*command, "api"], env=environment, stdout=log, stderr=log)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        deadline = time.monotonic() + 60
        while not self.is_ready():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def is_ready(self) -> bool:
        try:
            return self.client.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.terminate()
            self.process.wait(30)
        self.client.close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Its process does not run during the block: what is sent meanwhile, it finds all at once afterwards."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def count_unread(self) -> int:
        """Connections on which bytes wait that it has not read."""
        connections = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(
            int(local.split(":")[1], 16) == self.port and int(queues.split(":")[1], 16) > 0
            for _, local, _, _, queues, *_ in connections
        )

    def descriptors(self) -> Iterator[Path]:
        """The files and sockets that it has open."""
        return Path(f"/proc/{self.process.pid}/fd").iterdir()

    @property
    def resident_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1000

    def shrinks_below(self, megabytes: float, seconds: float = 15.0) -> bool:
        """Whether its resident memory falls below `megabytes` in time: the sweep returns free memory every 5 s."""
        end = time.monotonic() + seconds
        while self.resident_megabytes >= megabytes and time.monotonic() < end:
            time.sleep(0.1)
        return self.resident_megabytes < megabytes

    @property
    def cpu_seconds(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system


def post(path: str, content_type: str, body: bytes, *headers: str) -> bytes:
    """The bytes of a request."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {content_type}"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", *headers, "", ""]).encode("latin-1") + body


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of the next answer. Raises ConnectionError at its end."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    return int(first.split()[1]), headers, body


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received
