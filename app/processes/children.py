"""The processes that make the service: how each is started, and what is said when all are ready."""

import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.config import Settings
from app.db import create_database_engine
from app.errors import ConfigurationError
from app.jobs.notifier import broker_url
from app.jobs.specs import QUEUES
from app.processes.devices import find_device
from app.processes.supervisor import Supervisor
from app.storage import require_storage
from models.errors import DeviceUnavailable


def start_workers(supervisor: Supervisor, settings: Settings, queues: tuple[str, ...]) -> None:
    """Sweeps and trainings by different processes, so that a sweep never waits behind a training."""
    if "sweeps" in queues:
        supervisor.start("sweeps", *_celery("sweeps", 1))
    trainings = ",".join(queue for queue in queues if queue.startswith("training"))
    if trainings:
        supervisor.start("training", *_celery(trainings, settings.training_workers))


def _celery(queues: str, concurrency: int) -> tuple[str, ...]:
    name = f"{queues.partition(',')[0]}-{os.getpid()}@%h"
    options = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")
    where = ("--queues", queues, "--concurrency", str(concurrency), "--pool", "prefork", "--hostname", name)
    return (sys.executable, "-m", "celery", "--app", "worker.celery_app", "--quiet", "worker", *where, *options)


def numeral_command(command: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "app.cli", command)


def require_usable(settings: Settings) -> None:
    """Raise ConfigurationError or StorageRefused where database, broker or store could never be used as configured.

    One that is away for now may come back; the service then says so in /readyz.
    """
    create_database_engine(settings.resolved_database_url).dispose()
    broker_url(settings.resolved_redis_url)
    require_storage(settings)


def require_free_port(host: str, port: int) -> None:
    """Raise ConfigurationError where nothing can listen on the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or error
            raise ConfigurationError(f"Cannot listen on {host}:{port} ({reason}); give another --port.") from error


def require_serving_device(settings: Settings) -> None:
    """Raise ConfigurationError where predictions cannot be computed on the device that is set."""
    if settings.serving_device != "cpu":
        from models.inference.classifier import (
            require_device,  # ONNX Runtime, which the supervisor does without otherwise
        )

        try:
            require_device(settings.serving_device)
        except DeviceUnavailable as error:
            raise ConfigurationError(str(error)) from error


@contextmanager
def only_one_in(folder: Path) -> Iterator[None]:
    """Hold the data folder for this process alone. Raises ConfigurationError where another one has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"Another `numeral up` uses the data folder {folder.resolve()}; stop it or give another --data-dir."
            ) from error
        yield


def own_queues() -> tuple[str, ...]:
    """The queues that this machine can work on."""
    return tuple(queue for queue in QUEUES if queue != "training-cuda" or find_device() == "cuda")


def announce(supervisor: Supervisor, settings: Settings) -> None:
    """Wait until the service can serve, then say where it is and what to try."""
    import httpx

    address = settings.url
    with httpx.Client(base_url=address, timeout=2) as client:
        while not supervisor.is_stopping:
            try:
                if client.get("/readyz").is_success:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        else:
            return
    print(
        f"""
Numeral is ready at {address}

  curl {address}/v1/predict -H 'Content-Type: image/png' --data-binary @docs/examples/seven.png
  curl {address}/v1/jobs -H 'Content-Type: application/json' -H 'Prefer: wait=10' -d '{{"kind": "backprop_sweep"}}'
  curl {address}/v1/jobs -H 'Content-Type: application/json' -d '{{"kind": "mnist_training", "dataset": "optdigits"}}'

All of it: {address}/docs    Stop: Ctrl-C
""",
        flush=True,
    )
