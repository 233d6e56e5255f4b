"""The processes of the service: which there are, how each is started, and the message once all are ready."""

import os
import sys
import threading
import time

from app.config import Settings
from app.jobs.specs import QUEUES
from app.processes.devices import find_device
from app.processes.embedded import start_valkey
from app.processes.supervisor import Supervisor
from app.processes.training_threads import training_environment


def start_service(supervisor: Supervisor, settings: Settings) -> None:
    """Start Valkey if no Redis is configured, the API and the workers; print a message once they are ready."""
    if settings.redis_url is None:
        start_valkey(supervisor, settings.embedded_socket, settings.data_dir / "valkey")
    supervisor.start("api", sys.executable, "-m", "app.cli", "api")
    start_workers(supervisor, settings, available_queues())
    threading.Thread(target=announce, args=(supervisor, settings), daemon=True).start()


def start_workers(supervisor: Supervisor, settings: Settings, queues: tuple[str, ...]) -> None:
    """Start one worker for sweeps and one for trainings: a sweep must not wait for a training."""
    if "sweeps" in queues:
        supervisor.start("sweeps", *_celery("sweeps", 1))
    trainings = ",".join(queue for queue in queues if queue.startswith("training"))
    if trainings:
        command, environment = _celery(trainings, settings.training_workers), training_environment(settings)
        supervisor.start("training", *command, environment=environment)


def available_queues() -> tuple[str, ...]:
    """The queues whose jobs this machine can run."""
    return tuple(queue for queue in QUEUES if queue != "training-cuda" or find_device() == "cuda")


def announce(supervisor: Supervisor, settings: Settings) -> None:
    """Wait until the API is ready, then print its address and some requests to try."""
    if _wait_until_ready(supervisor, settings.url):
        address = settings.url
        print(
            f"""
Numeral is ready at {address}

  curl {address}/v1/predict -H 'Content-Type: image/png' --data-binary @docs/examples/seven.png
  curl {address}/v1/jobs -H 'Content-Type: application/json' -H 'Prefer: wait=10' -d '{{"kind": "backprop_sweep"}}'
  curl {address}/v1/jobs -H 'Content-Type: application/json' -d '{{"kind": "mnist_training", "dataset": "optdigits"}}'

All endpoints: {address}/docs    Stop: Ctrl-C
""",
            flush=True,
        )


def _wait_until_ready(supervisor: Supervisor, address: str) -> bool:
    """Returns False if the supervisor stops before."""
    import httpx  # loaded here: `numeral api` and `numeral worker` do without it

    with httpx.Client(base_url=address, timeout=2, trust_env=False) as client:
        while not supervisor.is_stopping:
            try:
                if client.get("/readyz").is_success:
                    return True
            except httpx.TransportError:
                pass
            time.sleep(0.25)  # more often, and the rate limit of probes would count it
    return False


def _celery(queues: str, concurrency: int) -> tuple[str, ...]:
    name = f"{queues.partition(',')[0]}-{os.getpid()}@%h"
    options = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")
    work = ("--queues", queues, "--concurrency", str(concurrency), "--pool", "prefork", "--hostname", name)
    return (sys.executable, "-m", "celery", "--app", "worker.celery_app", "--quiet", "worker", *work, *options)
