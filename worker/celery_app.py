"""Celery's settings, and the one place where a worker's parts are put together.

Early acknowledgement, no results: the database is the truth and its leases cover what an early ack loses.
"""

import multiprocessing
import os
import socket
import warnings
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
from app.processes.devices import find_device
from app.storage import open_storage

APPEAR_SECONDS = 20.0

# Celery warns of root because of pickled messages; here only JSON is accepted.
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
def _tell_the_children(**_: Any) -> None:
    """They save what they have and give their jobs back at the next batch (this process then waits for them)."""
    stopping.value = 1


@worker_process_init.connect
def _appear(**_: Any) -> None:
    """Let the API know, from now on, that this process lives and what device it has."""
    name, device = worker_name(), find_device()

    def appear() -> None:
        runs.report_alive(sessions, name, device=device, version=VERSION)

    Periodic("appear", appear, seconds=APPEAR_SECONDS, at_once=True).start()


def worker_name() -> str:
    """This process, as the other parts of the service know it."""
    return f"{socket.gethostname()}:{os.getpid()}"
