"""Starts the service as a user does, for a benchmark."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

LOAD = Path(__file__).with_name("load.py")
NUMERAL = [sys.executable, "-m", "app.cli"]
SEVEN = Path(__file__).parents[1] / "docs" / "examples" / "seven.png"


@contextmanager
def running(*command: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes], Path]]:
    """`numeral command` on a free port with fresh data: a client, the process, and the data folder."""
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
            process.wait(30)


def wait_until_predicting(client: httpx.Client) -> None:
    """Return once the service has read a picture. Raises TimeoutError where it does not within 30 s."""
    deadline = time.monotonic() + 30
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
    """What load.py, in a process of its own, says of this many requests."""
    command = [sys.executable, LOAD, str(client.base_url.port), str(connections), str(requests)]
    figures: dict[str, Any] = json.loads(subprocess.run(command, input=request, capture_output=True, check=True).stdout)
    return figures


def cpu_seconds(root: int) -> float:
    """User and system time so far of a process and all that descend from it, the ended ones too (proc(5), stat)."""
    parents, seconds = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        process = int(stat.parent.name)
        parents[process], seconds[process] = int(fields[1]), sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    tree, found = {root}, True
    while found:
        found = {process for process, parent in parents.items() if parent in tree} - tree
        tree |= found
    return sum(seconds.get(process, 0.0) for process in tree)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
