"""The processes of the service: which there are, how each is started, and the message once all are ready."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime

import redis

from app.config import Settings
from app.db import Sessions, database_now
from app.errors import ConfigurationError, DatabaseUnavailable
from app.jobs.overview import count_live_workers
from app.jobs.specs import QUEUES
from app.jobs.specs.search import SEARCH_QUEUE
from app.jobs.specs.training import CPU_QUEUE, CUDA_QUEUE
from app.processes.checks import ping_broker
from app.processes.devices import find_gpus, hide_gpus, pin
from app.processes.embedded import start_valkey
from app.processes.supervisor import Supervisor
from app.processes.training_threads import training_environment

logger = logging.getLogger(__name__)

SLOW_START_SECONDS = 30.0  # after that, a warning says what is still missing


def start_service(supervisor: Supervisor, settings: Settings) -> None:
    """Start Valkey if no Redis is configured, the API and the workers; print a message once they are ready."""
    started = _read_database_clock(settings)
    if settings.redis_url is None:
        start_valkey(supervisor, settings)
    supervisor.start("api", sys.executable, "-m", "app.cli", "api")
    workers = start_workers(supervisor, settings, available_queues())
    threading.Thread(target=announce, args=(supervisor, settings, started, workers), daemon=True).start()


def start_workers(supervisor: Supervisor, settings: Settings, queues: tuple[str, ...]) -> int:
    """Start a worker for sweeps, one for the steps of searches, one for trainings on the CPU, and one for each GPU,
    which sees that GPU alone.

    A sweep must not wait for a training, nor a step of a search for a sweep. Returns how many processes will report
    themselves. Raises ConfigurationError if the queue of the CUDA workers is asked for and there is no GPU.
    """
    gpus = find_gpus() if CUDA_QUEUE in queues else ()
    if CUDA_QUEUE in queues and not gpus:
        raise ConfigurationError(
            f"The queue {CUDA_QUEUE} needs a GPU: there is no /dev/nvidia0, CUDA_VISIBLE_DEVICES hides it, or torch is "
            "a CPU build (`numeral doctor` says which)."
        )
    processes = 0
    for queue in ("sweeps", SEARCH_QUEUE):
        if queue in queues:
            supervisor.start(queue, *_celery(queue, queue, 1), environment=hide_gpus(), logs_only=True)
            processes += 1
    if CPU_QUEUE in queues:
        command = _celery("training", CPU_QUEUE, settings.training_workers)
        environment = training_environment(settings) | hide_gpus()
        supervisor.start("training", *command, environment=environment, logs_only=True)
        processes += settings.training_workers
    for number, gpu in enumerate(gpus):
        name = f"{CUDA_QUEUE}-{number}"
        environment = training_environment(settings) | pin(gpu)
        supervisor.start(name, *_celery(name, CUDA_QUEUE, 1), environment=environment, logs_only=True)
    return processes + len(gpus)


def available_queues() -> tuple[str, ...]:
    """The queues whose jobs this machine can run."""
    return tuple(queue for queue in QUEUES if queue != CUDA_QUEUE or find_gpus())


def announce(supervisor: Supervisor, settings: Settings, started: datetime, workers: int) -> None:
    """Wait until the API is ready and the workers have reported themselves, then print its address and some requests
    to try."""
    version = _wait_until_ready(supervisor, settings, started, workers)
    if version is None:
        return
    address, folder = settings.url, settings.data_dir.resolve()
    if settings.log_format == "json":
        figures = {"address": address, "data_dir": str(folder), "version": version, "workers": workers}
        logger.info("Numeral is ready at %s", address, extra=figures)
        return
    print(
        f"""
Numeral is ready at {address}

  The page, to draw digits on     {address}/
  Version that predicts           {version}
  Processes that run jobs         {workers}
  Data folder                     {folder}

  curl {address}/v1/predict -H 'Content-Type: image/png' --data-binary @docs/examples/seven.png
  curl {address}/v1/jobs -H 'Content-Type: application/json' -H 'Prefer: wait=10' -d '{{"kind": "backprop_sweep"}}'
  curl {address}/v1/jobs -H 'Content-Type: application/json' -d '{{"kind": "mnist_training", "dataset": "optdigits"}}'

All endpoints: {address}/docs    Stop: Ctrl-C
""",
        flush=True,
    )


def _wait_until_ready(supervisor: Supervisor, settings: Settings, started: datetime, workers: int) -> str | None:
    """Wait for the API, so many worker processes, and Redis.

    Returns the version that predicts; None if the supervisor stops before.
    """
    import httpx  # loaded here: `numeral api` and `numeral worker` do without it

    sessions = Sessions(settings.resolved_database_url)

    def is_api_ready() -> bool:
        try:
            return client.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def are_workers_ready() -> bool:
        try:
            return count_live_workers(sessions, since=started) >= workers
        except DatabaseUnavailable:
            return False

    def is_broker_ready() -> bool:
        try:
            ping_broker(settings)
        except (redis.RedisError, ValueError):
            return False
        return True

    with httpx.Client(base_url=settings.url, timeout=2, trust_env=False) as client:
        late = f"The API at {settings.url} answers predictions; jobs wait"
        is_ready = (
            _wait(supervisor, is_api_ready, "The API is not ready yet: GET /readyz says why.")
            and _wait(supervisor, are_workers_ready, f"{late}, because not all workers have reported themselves yet.")
            and _wait(supervisor, is_broker_ready, f"{late}, because Redis does not answer.")
        )
        version: str | None = client.get("/readyz").json()["model"]["version"] if is_ready else None
    sessions.close()
    return version


def _wait(supervisor: Supervisor, is_so: Callable[[], bool], warning: str) -> bool:
    """Wait until it is so; log the warning if that takes long. Returns False if the supervisor stops before."""
    slow_at, is_warned = time.monotonic() + SLOW_START_SECONDS, False
    while not supervisor.is_stopping:
        if is_so():
            return True
        if not is_warned and time.monotonic() > slow_at:
            logger.warning(warning)
            is_warned = True
        time.sleep(0.25)  # more often, and the rate limit of probes would count it
    return False


def _read_database_clock(settings: Settings) -> datetime:
    sessions = Sessions(settings.resolved_database_url)
    with sessions.reading() as session:
        now = database_now(session)
    sessions.close()
    return now


def _celery(name: str, queue: str, concurrency: int) -> tuple[str, ...]:
    """The command of a worker. Celery prints `worker: Warm shutdown` and empty lines to standard output."""
    options = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")
    own_name = ("--hostname", f"{name}-{os.getpid()}@%h")
    work = ("--queues", queue, "--concurrency", str(concurrency), "--pool", "prefork", *own_name)
    return (sys.executable, "-m", "celery", "--app", "worker.celery_app", "--quiet", "worker", *work, *options)
