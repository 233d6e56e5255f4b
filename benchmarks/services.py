"""Start and load the service for a benchmark."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

LOAD = Path(__file__).with_name("load.py")
NUMERAL = [sys.executable, "-m", "app.cli"]
SEVEN = Path(__file__).parents[1] / "docs" / "examples" / "seven.png"


@contextmanager
def running(*command: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes], Path]]:
    """Run `numeral COMMAND` on a free port with a new data folder. Yields a client, the process and the folder."""
    with TemporaryDirectory(prefix="numeral-bench-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = os.environ | {"NUMERAL_DATA_DIR": folder, "NUMERAL_PORT": str(port)}
        subprocess.run([*NUMERAL, "migrate"], env=environment, check=True, capture_output=True)
        process = subprocess.Popen(
            [*NUMERAL, *command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                yield client, process, Path(folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(120)


def wait_until_predicting(client: httpx.Client, *, seconds: float = 30) -> None:
    """Return once the service predicts a picture. Raises TimeoutError after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            answer = client.post("/v1/predict", content=SEVEN.read_bytes(), headers={"Content-Type": "image/png"})
            if answer.is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.01)
    raise TimeoutError("the service does not answer")


def post(path: str, header: str, body: bytes) -> bytes:
    """The bytes of a request, for `load`."""
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def load(client: httpx.Client, request: bytes, connections: int, requests: int) -> dict[str, Any]:
    """Returns the figures of load.py, which runs in a process of its own."""
    command = [sys.executable, LOAD, str(client.base_url.port), str(connections), str(requests)]
    figures: dict[str, Any] = json.loads(subprocess.run(command, input=request, capture_output=True, check=True).stdout)
    return figures


def cpu_seconds(root: int) -> float:
    """User and system time so far of a process and its descendants, including those that have ended."""
    seconds, process = 0.0, psutil.Process(root)
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
