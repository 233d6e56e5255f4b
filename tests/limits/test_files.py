"""What the service leaves on disk and in /proc is for its own user alone, wherever its data folder lies."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.config import MAX_SOCKET_PATH_BYTES, NO_SOCKET, Settings
from app.errors import ConfigurationError
from app.migrations.migrate import upgrade
from app.processes import embedded
from app.processes.privacy import keep_private
from tests.cli.test_main import numeral
from tests.e2e.conftest import Service, wait_for

SWEEP = {"kind": "backprop_sweep"}
LEGAL_NAMES = [
    "what now?",
    "a?c=d&e",
    "x#y",
    "50%25",
    "a&b;c",
    "'q\" \\",
    "データ ü",
    "a:b@c",
    "{}$HOME~",
    "long" * 50,
]


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def open_to_others(folder: Path) -> list[str]:
    """What other users could read or list, links aside."""
    found = [folder, *folder.rglob("*")]
    return [f"{mode(path):o} {path}" for path in found if mode(path) & 0o077 and not path.is_symlink()]


@pytest.fixture(scope="module")
def strange_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A whole service, with a data folder that no URL can name and its database in a file with a password."""
    service = Service(tmp_path_factory.mktemp("strange") / LEGAL_NAMES[1])
    yield service
    service.stop()


def test_jobs_run_in_a_data_folder_with_a_question_mark(strange_service: Service) -> None:
    answer = strange_service.client.post("/v1/jobs", json=SWEEP, headers={"Prefer": "wait=60"})
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")


def test_all_files_of_a_service_are_its_own_users(strange_service: Service) -> None:
    strange_service.wait_for_status(strange_service.submit(**SWEEP), "succeeded")
    assert not open_to_others(strange_service.data_dir)
    socket = Settings(data_dir=strange_service.data_dir).embedded_socket
    assert socket.is_socket()
    assert mode(socket.parent) == 0o700


def test_banner_comes_once_all_workers_have_reported_themselves(strange_service: Service) -> None:
    wait_for(lambda: "Numeral is ready" in strange_service.log.read_text(), seconds=60)
    wait_for(lambda: strange_service.client.get("/readyz").json()["jobs"]["ready"], seconds=10)
    assert strange_service.client.get("/readyz").json()["jobs"]["workers"] >= 2


@pytest.mark.parametrize("name", LEGAL_NAMES)
def test_socket_of_any_data_folder_has_a_plain_short_path(tmp_path: Path, name: str) -> None:
    settings = Settings(data_dir=tmp_path / name)
    settings.data_dir.mkdir(mode=0o700)
    with embedded.socket_folder(settings):
        socket = settings.embedded_socket
        assert len(bytes(socket)) <= MAX_SOCKET_PATH_BYTES
        assert not set(str(socket)) & set("?#%&;'\" \\:@{}$~")
        assert mode(socket.parent) == 0o700
    assert Settings(data_dir=tmp_path / name).embedded_socket == NO_SOCKET
    assert not socket.parent.exists()


def test_socket_folder_cannot_be_taken_first_by_its_name(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "a?b")
    settings.data_dir.mkdir(mode=0o700)
    with embedded.socket_folder(settings):
        first = settings.embedded_socket
    (settings.data_dir / "sockets").symlink_to(tmp_path)  # what is left of a service that was killed
    with embedded.socket_folder(settings):
        assert settings.embedded_socket not in (first, tmp_path / "valkey.sock")


def test_no_place_for_the_socket_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path / "a?b")
    monkeypatch.setattr(embedded, "is_socket_path", lambda _: False)
    with pytest.raises(ConfigurationError, match="--data-dir"), embedded.socket_folder(settings):
        pass


@pytest.mark.parametrize("name", ["two\nlines", "tab\t", "bell\a", "\x1b[2J"])
def test_unprintable_data_folder_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    found = numeral("up", folder=tmp_path / name)
    assert (found.returncode, len(found.stderr.splitlines())) == (2, 1), found.stderr
    assert "NUMERAL_DATA_DIR" in found.stderr


def test_existing_data_folder_is_closed_with_what_is_in_it(tmp_path: Path, usual_umask: None) -> None:
    data = tmp_path / "data"
    upgrade(f"sqlite:///{data / 'numeral.db'}")
    (data / "artifacts").mkdir()
    assert mode(data) == 0o755
    keep_private(data)
    assert not open_to_others(data)


def test_folder_with_files_of_others_keeps_its_rights_and_a_warning_says_so(
    tmp_path: Path, usual_umask: None, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0o755)
    upgrade(f"sqlite:///{tmp_path / 'numeral.db'}")
    (tmp_path / "letters.txt").write_text("mine")
    keep_private(tmp_path)
    assert (mode(tmp_path), mode(tmp_path / "numeral.db"), mode(tmp_path / "letters.txt")) == (0o755, 0o600, 0o644)
    assert "letters.txt" in caplog.text


def test_secret_of_a_file_is_in_the_environment_of_no_process(tmp_path: Path, postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE secrets")
    password = "0123456789abcdef-secret"  # which that server asks nobody for
    url = postgres.replace("postgres:@", f"postgres:{password}@").replace("/postgres?", "/secrets?")
    (tmp_path / "url").write_text(url.replace("@/?", "@/secrets?"))
    (tmp_path / "key").write_text(key := "k8sTz_0123456789abcdefghijklmnopqrstuv")
    files = {"NUMERAL_DATABASE_URL_FILE": str(tmp_path / "url"), "NUMERAL_ADMIN_KEY_FILE": str(tmp_path / "key")}
    service = Service(tmp_path / "data", NUMERAL_API_PROCESSES="2", **files)
    try:
        family = [
            service.process.pid,
            *(one.pid for one in psutil.Process(service.process.pid).children(recursive=True)),
        ]
        assert len(family) >= 6
        for pid in family:
            told = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
            assert password.encode() not in told
            assert key.encode() not in told
        assert password not in service.log.read_text()
    finally:
        service.stop()
