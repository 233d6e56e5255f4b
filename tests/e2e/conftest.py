"""A whole service as a user starts it: `numeral up`, with its own Valkey, database and workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from tests.conftest import free_port

Found = TypeVar("Found")


class Service:
    """A running `numeral up`."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir, self.port = data_dir, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.parent / f"{data_dir.name}.log"
        environment = os.environ | {"NUMERAL_LEASE_SECONDS": "2", "NUMERAL_DATA_DIR": str(data_dir)} | settings
        command = [sys.executable, "-m", "app.cli", "up", "--port", str(self.port)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.client = httpx.Client(base_url=self.url, timeout=30)
        wait_for(self.is_ready, seconds=60)

    def is_ready(self) -> bool:
        try:
            return self.client.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        self.client.close()

    def submit(self, **spec: object) -> str:
        answer = self.client.post("/v1/jobs", json=spec)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    def wait_for_status(self, job_id: str, *wanted: str, seconds: float = 120) -> dict[str, object]:
        def job() -> dict[str, object] | None:
            found: dict[str, object] = self.client.get(f"/v1/jobs/{job_id}").json()
            return found if found["status"] in wanted else None

        return wait_for(job, seconds=seconds)

    def processes(self, *words: str) -> list[int]:
        """The ids of this service's processes whose command line has all `words`."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command, environment = ((folder / name).read_bytes() for name in ("cmdline", "environ"))
            except OSError:
                continue
            # Valkey writes its title over its environment; the title has the path of its socket
            is_ours = (
                f"NUMERAL_PORT={self.port}".encode() in environment.split(b"\0") or bytes(self.data_dir) in command
            )
            if is_ours and all(word.encode() in command for word in words):
                found.append(int(folder.name))
        return sorted(found)


def wait_for(look: Callable[[], Found | None], *, seconds: float) -> Found:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("service") / "data")
    yield running
    running.stop()
