"""Checks before the service starts. Each raises an error that says what to change."""

import errno
import fcntl
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis

from app.config import Settings
from app.db import create_database_engine
from app.errors import ConfigurationError, install_hint, why
from app.jobs.notifier import broker_url
from app.storage import require_storage
from models.errors import DeviceUnavailable

PING_SECONDS = 5.0


def require_usable(settings: Settings) -> None:
    """Raise ConfigurationError or StorageRefused if the data folder, database, broker or store can never work so.

    One that is only unavailable for now passes: the service starts, and /readyz gives the reason.
    """
    require_writable(settings.data_dir)
    create_database_engine(settings.resolved_database_url).dispose()
    broker_url(settings.resolved_redis_url)
    require_storage(settings)


def require_writable(data_dir: Path) -> None:
    """Raise ConfigurationError if this user cannot write into the data folder."""
    folder = data_dir.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        right = "Give this user the right to write it, or give" if isinstance(error, PermissionError) else "Give"
        raise ConfigurationError(
            f"Cannot write into the data folder {folder}: {why(error, 'written')}. {right} another --data-dir "
            "(NUMERAL_DATA_DIR)."
        ) from error


def require_torch() -> None:
    """Raise ConfigurationError if torch, which trainings need, is not installed."""
    if find_spec("torch") is None:
        raise ConfigurationError(f"Training needs torch, which is not installed. {install_hint('worker')}")


def ping_broker(settings: Settings) -> None:
    """Raise RedisError or ValueError if Redis does not answer."""
    url = settings.resolved_redis_url.replace("redis+socket://", "unix://")
    with redis.Redis.from_url(url, socket_timeout=PING_SECONDS, socket_connect_timeout=PING_SECONDS) as client:
        client.ping()


def require_servable(settings: Settings) -> None:
    """Like `require_usable`; also raise ConfigurationError without the serving device or with an occupied port."""
    require_usable(settings)
    require_serving_device(settings)
    require_free_port(settings.host, settings.port)


def require_serving_device(settings: Settings) -> None:
    """Raise ConfigurationError if predictions cannot be computed on the configured device."""
    if settings.serving_device != "cpu":
        from models.inference.classifier import require_device  # loads ONNX Runtime, only the API needs it

        try:
            require_device(settings.serving_device)
        except DeviceUnavailable as error:
            raise ConfigurationError(str(error)) from error


def require_free_port(host: str, port: int) -> None:
    """Raise ConfigurationError if this process cannot listen on the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, UnicodeError) as error:  # UnicodeError: no name of a host
        if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
            wrong = f"({error.strerror}); give another --port"
        else:
            wrong = "(no address of this machine); give another --host"
        raise ConfigurationError(f"Cannot listen on {host}:{port} {wrong}.") from error


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Lock the data folder for this process. Raises ConfigurationError if another process has locked it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"Another `numeral up` uses the data folder {folder.resolve()}; stop it or give another --data-dir."
            ) from error
        yield
