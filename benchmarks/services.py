"""Starts the service as a user does, for a benchmark."""

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

import httpx

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


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
