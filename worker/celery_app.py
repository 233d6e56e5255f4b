"""Celery's settings, and everything that a worker process uses, built in one place.

Messages are acknowledged before the task runs and results are not stored: jobs live in the database, and their leases
cover what an early acknowledgement loses.
"""

import multiprocessing
import os
import socket
import warnings
from functools import cache
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_process_init, worker_shutting_down

from app import VERSION
from app.background import Periodic
from app.config import Settings
from app.db import Sessions
from app.jobs import runs
from app.jobs.notifier import TRANSPORT_OPTIONS, broker_url
from app.logs import configure_logging
from app.processes.devices import Gpu, find_gpus
from app.storage import open_storage

ALIVE_SECONDS = 20.0  # between two reports that a worker is alive
NICENESS = 5  # of a process that runs jobs: an API on the same cores answers first

# Celery warns when root accepts pickled messages; this worker accepts only JSON.
warnings.filterwarnings("ignore", category=SecurityWarning)

settings = Settings()
sessions = Sessions(settings.resolved_database_url)  # connects when first used, in a child
storage = open_storage(settings)
stopping = multiprocessing.RawValue("b", 0)  # shared with the children, which are forked from this process

app = Celery("numeral", broker=broker_url(settings.resolved_redis_url), include=["worker.tasks"])
app.conf.update(
    task_acks_late=False,
    task_ignore_result=True,
    result_backend=None,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    accept_content=["json"],
    task_serializer="json",
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={**TRANSPORT_OPTIONS, "socket_timeout": 5.0, "health_check_interval": 25},
)


@setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    configure_logging(settings.log_format)


@worker_shutting_down.connect
def _stop_children(**_: Any) -> None:
    """Tell the children to save a checkpoint and release their jobs at the next batch; Celery waits for them."""
    stopping.value = 1


@worker_process_init.connect
def _give_way(**_: Any) -> None:
    os.nice(NICENESS)


@worker_process_init.connect
def _start_reporting(**_: Any) -> None:
    """Report regularly that this process is alive and which device it has."""
    name = worker_name()

    @cache  # in the reporting thread: Celery kills a child that is not up within seconds, and nvidia-smi may take some
    def find_own_gpu() -> Gpu | None:
        return next(iter(find_gpus()), None)

    def report_alive() -> None:
        gpu = find_own_gpu()
        runs.report_alive(
            sessions,
            name,
            device="cuda" if gpu else "cpu",
            version=VERSION,
            gpu_name=gpu and gpu.name,
            gpu_memory_bytes=gpu and gpu.memory_bytes,
        )

    Periodic("alive", report_alive, seconds=ALIVE_SECONDS, at_once=True).start()


def worker_name() -> str:
    """Returns the name of this process in the table of workers: host:pid."""
    return f"{socket.gethostname()}:{os.getpid()}"
