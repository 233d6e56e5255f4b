"""Checks before the service starts. Each raises an error that says what to change."""

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.config import Settings
from app.db import create_database_engine
from app.errors import ConfigurationError
from app.jobs.notifier import broker_url
from app.storage import require_storage
from models.errors import DeviceUnavailable


def require_usable(settings: Settings) -> None:
    """Raise ConfigurationError or StorageRefused if the database, broker or store can never work as configured.

    One that is only unavailable for now passes: the service starts, and /readyz gives the reason.
    """
    create_database_engine(settings.resolved_database_url).dispose()
    broker_url(settings.resolved_redis_url)
    require_storage(settings)


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
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or error
            raise ConfigurationError(f"Cannot listen on {host}:{port} ({reason}); give another --port.") from error


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
