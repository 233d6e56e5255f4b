"""Hints to the workers through Celery: a message carries a job id and nothing else. The only Celery importer in app.

A lost hint costs a few seconds (the dispatcher gives another), a doubled one nothing (the second claim fails). So a
hint is sent by a thread of its own, with short timeouts and no retries, and never holds up a request.
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

BROKERS = ("redis", "rediss", "unix", "redis+socket")
SOCKET_SECONDS = 2.0
AWAY_SECONDS = 2.0  # after a failure: trying costs milliseconds of every request's processor
BACKLOG = 1000  # hints waiting for a hung broker; the dispatcher makes up for those past it
TRANSPORT_OPTIONS: dict[str, Any] = {
    "socket_timeout": SOCKET_SECONDS,
    "socket_connect_timeout": SOCKET_SECONDS,
    "max_retries": 0,
    "retry_on_timeout": False,
}


class WorkerNotifier(Protocol):
    """Where hints go: Redis, or a list in tests."""

    def hint(self, job_id: str, kind: str, queue: str) -> None:
        """Tell the workers of `queue` that a job may be there to run. Never blocks, never raises."""

    def depth(self, queue: str) -> int | None:
        """How many hints wait in `queue`, or None where the broker does not answer."""

    def close(self) -> None:
        """Give up what was not sent yet."""


class CeleryNotifier:
    """Hints through Redis or Valkey."""

    def __init__(self, redis_url: str) -> None:
        self._celery = Celery("numeral", broker=broker_url(redis_url), set_as_current=False)
        self._celery.conf.update(
            broker_transport_options=TRANSPORT_OPTIONS,
            broker_connection_timeout=SOCKET_SECONDS,
            task_ignore_result=True,
        )
        self._sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hints")
        self._waiting = 0
        self._lock = threading.Lock()
        self._away_until = 0.0  # by time.monotonic; until then nothing is tried

    def hint(self, job_id: str, kind: str, queue: str) -> None:
        with self._lock:
            if self._waiting >= BACKLOG or time.monotonic() < self._away_until:
                return
            self._waiting += 1
        self._sender.submit(self._send, job_id, kind, queue)

    def _send(self, job_id: str, kind: str, queue: str) -> None:
        try:
            if time.monotonic() >= self._away_until:
                self._celery.send_task(f"numeral.{kind}", args=[job_id], queue=queue, retry=False)
                self._away_until = 0.0
        except (OperationalError, OSError) as error:
            if self._away_until == 0.0:  # once is enough for the log
                logger.warning("the broker takes no hints, jobs will wait until it does: %s", error)
            self._away_until = time.monotonic() + AWAY_SECONDS
        finally:
            with self._lock:
                self._waiting -= 1

    def depth(self, queue: str) -> int | None:
        if time.monotonic() < self._away_until:
            return None
        with self._celery.connection_for_read() as connection:
            try:
                depth = int(connection.default_channel.client.llen(queue))
            except (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors):
                self._away_until = time.monotonic() + AWAY_SECONDS
                return None
        self._away_until = 0.0
        return depth

    def close(self) -> None:
        self._sender.shutdown(wait=False, cancel_futures=True)


def broker_url(redis_url: str) -> str:
    """Celery's spelling of a Redis URL; a unix socket is `redis+socket://` there. Raises ConfigurationError."""
    if urlsplit(redis_url).scheme not in BROKERS:
        raise ConfigurationError(
            f"NUMERAL_REDIS_URL must begin with one of {', '.join(f'{scheme}://' for scheme in BROKERS)}."
        )
    for prefix in ("unix://", "redis+socket://"):
        if redis_url.startswith(prefix):
            return "redis+socket://" + quote(redis_url.removeprefix(prefix), safe="/?=&")
    return redis_url
