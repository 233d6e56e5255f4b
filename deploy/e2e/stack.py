"""The stack of docker-compose.yml under a name and a port of its own, as the trial handles it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).parents[2]
PORT = int(os.environ.get("NUMERAL_PORT", "8350"))
URL = f"http://127.0.0.1:{PORT}"
PROJECT = "numeral-trial"
os.environ |= {"COMPOSE_PROJECT_NAME": PROJECT, "NUMERAL_PORT": str(PORT)}  # for all that is started here
SEVEN = (ROOT / "docs/examples/seven.png").read_bytes()
Found = TypeVar("Found")


def docker(*command: str) -> str:
    """What a docker command prints. Ends the trial where it fails."""
    found = subprocess.run(["docker", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        sys.exit(f"FAILED: docker {' '.join(command)}\n{found.stdout}{found.stderr}")
    return found.stdout.strip()


def compose(*command: str) -> str:
    return docker("compose", *command)


def containers(service: str) -> list[str]:
    return compose("ps", "--quiet", service).split()


def kill(container: str) -> None:
    """SIGKILL to a container's processes, from the host: unlike `docker kill`, nobody has asked for it."""
    os.kill(int(docker("inspect", "--format", "{{.State.Pid}}", container)), signal.SIGKILL)


def client() -> httpx.Client:
    return httpx.Client(base_url=URL, timeout=60)


def predict(asking: httpx.Client) -> int:
    answer = asking.post("/v1/predict", content=SEVEN, headers={"Content-Type": "image/png"})
    digit: int = answer.raise_for_status().json()["digit"]
    return digit


def is_predicting() -> bool:
    try:
        with client() as asking:
            return predict(asking) == 7
    except httpx.HTTPError:
        return False


def submit(asking: httpx.Client, **spec: Any) -> str:
    job_id: str = asking.post("/v1/jobs", json=spec).raise_for_status().json()["id"]
    return job_id


def job(asking: httpx.Client, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = asking.get(f"/v1/jobs/{job_id}").raise_for_status().json()
    return found


def wait_for_end(asking: httpx.Client, job_id: str, *, seconds: float = 300) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        found = job(asking, job_id)
        return found if found["status"] in ("succeeded", "failed", "cancelled") else None

    found = wait_for(ended, f"the end of job {job_id}", seconds=seconds)
    require(found["status"] == "succeeded", f"job {job_id} ended as {found['status']}: {found['error']}")
    return found


def epochs(asking: httpx.Client, job_id: str) -> list[int]:
    """The numbers of the epochs that were reported, in order."""
    answer = asking.get(f"/v1/jobs/{job_id}/events?limit=1000", headers={"Accept": "application/json"})
    return [one["data"]["epoch"] for one in answer.raise_for_status().json()["items"] if one["event"] == "epoch"]


def wait_for(condition: Callable[[], Found | None], what: str, *, seconds: float = 120) -> Found:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except httpx.HTTPError:
            pass  # what was killed comes back
        time.sleep(0.1)
    sys.exit(f"FAILED: {what} did not come within {seconds:.0f} s")


def require(is_so: bool, sentence: str) -> None:
    if not is_so:
        sys.exit(f"FAILED: {sentence}")


def memory() -> dict[str, str]:
    """What each container takes now."""
    lines = docker("stats", "--no-stream", "--format", "{{json .}}", *compose("ps", "--quiet").split()).splitlines()
    rows = [json.loads(line) for line in lines]
    return {row["Name"].removeprefix(f"{PROJECT}-"): row["MemUsage"].split(" / ")[0] for row in rows}
