"""One service for each kind of database; every test hurts it, and leaves it whole."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.migrations.migrate import upgrade
from tests.faults.databases import database
from tests.faults.parts import Parts

DISK_MIB = 32


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def parts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """Valkey, an API, a worker for sweeps and two for trainings."""
    folder = tmp_path_factory.mktemp(request.param)
    with database(request.param, folder) as chosen, small_disk(folder / "artifacts") as artifacts:
        upgrade(chosen.url)
        running = Parts(folder, artifacts, chosen)
        try:
            running.start_valkey()
            for queue in ("sweeps", "training", "training"):
                running.start_worker(queue)
            running.start_api()
            yield running
        finally:
            running.stop()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk that can be filled, where this machine lets us mount one; else a plain folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)]
    is_mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield folder
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def two_workers(parts: Parts) -> Parts:
    """The service with two workers for trainings, whatever earlier tests did to them."""
    while len(parts.trainers()) < 2:
        parts.start_worker()
    return parts
