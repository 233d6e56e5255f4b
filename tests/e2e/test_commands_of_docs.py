"""The commands of the README and of all pages of docs/, word for word, against running services."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.config import Settings
from app.db import Sessions
from app.migrations.migrate import upgrade
from app.storage import open_storage
from tests.conftest import free_port, serve
from tests.e2e.conftest import Service
from tests.fakes import RecordedNotifier
from tests.networks import add_version
from tests.uploads import draw_digit

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
WAITING = [ROOT / "README.md", DOCS / "backprop.md", *sorted(DOCS.glob("tutorials/*.md"))]
NOT_RUN = {  # blocks that begin so, and why
    "make run": "the service under test runs already",
    "make check": "CI runs it",
    "make test": "this is one of its tests",
    "docker compose": "Docker: `make e2e-compose` tries them",
    "deploy/": "Docker: `make e2e-compose` tries them",
    "export NUMERAL_STORAGE_URL": "two machines: deploy/e2e/elsewhere.py tries them",
    "export AWS_ACCESS_KEY_ID": "an S3 server: tests/maintenance/test_doctor.py has one",
    "pip install ./client": "packages from an index; the tests of the client have it from this folder",
    "numeral submit": "tests/cli/test_service_commands.py runs them without a process for each",
    "npm install": "packages of npm",
    "numeral reproduce": "it trains a version again: tests/worker/test_reproduction.py does, with a small one",
}
WORDS = {  # what stands for something of the reader's
    "jobs/ID/": "jobs/$(newest)/", "HOST:8000": "127.0.0.1:8000", "localhost:8000": "127.0.0.1:8000",
}  # fmt: skip
PRELUDE = """
set -euo pipefail
curl() { command curl -sS --fail-with-body "$@"; }
newest() {
  curl "$NUMERAL_URL/v1/jobs?limit=1" | python -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])'
}
"""


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def commands_of(page: Path) -> str:
    return "".join(block for block in blocks(page) if not block.startswith(tuple(NOT_RUN)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As a clone with some pictures of one's own; what the commands write goes into a folder of the test."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    for digit in range(10):
        (tmp_path / str(digit)).mkdir()
        for number in range(4):
            (tmp_path / str(digit) / f"{number}.png").write_bytes(draw_digit(digit, number))
    np.zeros((1, 1, 28, 28), "<f4").tofile(tmp_path / "seven.f32")  # docs/protocol.md makes it with tritonclient
    return tmp_path


@pytest.fixture
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A new service with two versions, whose jobs stay queued."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("idle"), port=free_port())
    upgrade(settings.resolved_database_url)
    with serve(settings, RecordedNotifier()) as client:
        assert client.get("/readyz").is_success
        sessions = Sessions(settings.resolved_database_url)
        assert add_version(sessions, open_storage(settings), "job:other") == "2"
        sessions.close()
        yield settings


@pytest.mark.parametrize("page", [page for page in WAITING if commands_of(page)], ids=lambda page: page.stem)
def test_commands_that_wait_for_their_jobs(page: Path, service: Service, folder: Path) -> None:
    run(commands_of(page), folder, service.url, service.data_dir)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in WAITING and commands_of(page)], ids=lambda page: page.stem
)
def test_commands_of_the_other_pages(page: Path, idle: Settings, folder: Path) -> None:
    run(commands_of(page), folder, idle.url, idle.data_dir)


def test_each_reason_not_to_run_a_block_is_needed() -> None:
    found = [block for page in PAGES for block in blocks(page)]
    assert [beginning for beginning in NOT_RUN if not any(block.startswith(beginning) for block in found)] == []


def run(commands: str, folder: Path, url: str, data_dir: Path) -> None:
    for word, meant in WORDS.items():
        commands = commands.replace(word, meant)
    environment = os.environ | {"NUMERAL_URL": url, "NUMERAL_DATA_DIR": str(data_dir)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    script = PRELUDE + commands.replace("http://127.0.0.1:8000", url)
    found = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=280
    )
    assert found.returncode == 0, found.stderr + found.stdout
