"""Notifications to the workers through Celery: a message names a queue in which there is work. The only Celery importer
in app.

A lost message costs a few seconds (the dispatcher sends another), a duplicate nothing (its claim finds no job). So a
thread of its own sends them, with short timeouts and no retries, and no request waits for the broker.
"""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from celery import Celery
from kombu.exceptions import OperationalError

from app.errors import ConfigurationError

logger = logging.getLogger(__name__)

RUN_NEXT_TASK = "numeral.run_next"  # takes the name of a queue
SCHEMES = ("redis", "rediss", "unix", "redis+socket")
SOCKET_SECONDS = 2.0
BACKOFF_SECONDS = 2.0  # after a failure; each try costs a request milliseconds of CPU
MAX_PENDING_MESSAGES = 1000  # while the broker hangs; the dispatcher makes up for those past it
TRANSPORT_OPTIONS: dict[str, Any] = {
    "socket_timeout": SOCKET_SECONDS,
    "socket_connect_timeout": SOCKET_SECONDS,
    "max_retries": 0,
    "retry_on_timeout": False,
}


class WorkerNotifier(Protocol):
    """Notifies workers: through Redis, or in tests by a list."""

    def notify(self, queue: str) -> None:
        """Tell a worker of `queue` that there may be a job to run. Never blocks, never raises."""

    def depth(self, queue: str) -> int | None:
        """Returns how many messages wait in `queue`, or None if the broker does not answer."""

    def close(self) -> None:
        """Discard the messages that are not sent yet."""


class CeleryNotifier:
    """Sends notifications through Redis or Valkey."""

    def __init__(self, redis_url: str) -> None:
        self._celery = Celery("numeral", broker=broker_url(redis_url), set_as_current=False)
        self._celery.conf.update(
            broker_transport_options=TRANSPORT_OPTIONS,
            broker_connection_timeout=SOCKET_SECONDS,
            task_ignore_result=True,
        )
        self._sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="notifier")
        self._pending = 0
        self._lock = threading.Lock()
        self._retry_at = 0.0  # by time.monotonic; after a failure nothing is sent until then

    def notify(self, queue: str) -> None:
        with self._lock:
            if self._pending >= MAX_PENDING_MESSAGES or time.monotonic() < self._retry_at:
                return
            self._pending += 1
        self._sender.submit(self._send, queue)

    def _send(self, queue: str) -> None:
        try:
            if time.monotonic() >= self._retry_at:
                self._celery.send_task(RUN_NEXT_TASK, args=[queue], queue=queue, retry=False)
                self._retry_at = 0.0
        except (OperationalError, OSError) as error:
            if self._retry_at == 0.0:  # logged once per outage
                logger.warning("the broker accepts no messages; jobs wait until it does: %s", error)
            self._retry_at = time.monotonic() + BACKOFF_SECONDS
        finally:
            with self._lock:
                self._pending -= 1

    def depth(self, queue: str) -> int | None:
        if time.monotonic() < self._retry_at:
            return None
        with self._celery.connection_for_read() as connection:
            try:
                depth = int(connection.default_channel.client.llen(queue))
            except (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors):
                self._retry_at = time.monotonic() + BACKOFF_SECONDS
                return None
        self._retry_at = 0.0
        return depth

    def close(self) -> None:
        self._sender.shutdown(wait=False, cancel_futures=True)


def broker_url(redis_url: str) -> str:
    """Returns Celery's spelling of a Redis URL: a unix socket is `redis+socket://`. Raises ConfigurationError."""
    if urlsplit(redis_url).scheme not in SCHEMES:
        raise ConfigurationError(
            f"NUMERAL_REDIS_URL must begin with one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}."
        )
    for prefix in ("unix://", "redis+socket://"):
        if redis_url.startswith(prefix):
            return "redis+socket://" + quote(redis_url.removeprefix(prefix), safe="/?=&")
    return redis_url
