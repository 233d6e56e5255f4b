import io
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from app.config import Settings
from app.migrations.migrate import upgrade
from app.serving import downloads
from tests.conftest import free_port, serve
from tests.fakes import RecordedNotifier
from tests.limits.big_jobs import store_sweep
from tests.raw import ApiProcess

SEVEN = Path("docs/examples/seven.png").read_bytes()
RATES, EPOCHS = 4000, 2500
MAX_GROWTH_MEGABYTES = 60  # of a service that sends a file of 80 MB to ten clients


class Busy:
    """A service with a sweep whose curves have 80 MB."""

    def __init__(self, data_dir: Path) -> None:
        self.api = ApiProcess(data_dir)
        self.job = store_sweep(data_dir, rates=RATES, epochs=EPOCHS, shown_points=10)
        [self.file] = data_dir.rglob("*.npz")

    def begin(self, path: str) -> socket.socket:
        """Ask for a file of the job without reading it."""
        connection = self.api.connect()
        head = f"GET /v1/jobs/{self.job}/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        return connection

    def begin_peak(self) -> float:
        """Begin a new peak of the resident memory. Returns its present size, in megabytes."""
        Path(f"/proc/{self.api.process.pid}/clear_refs").write_text("5")
        return self.api.resident_megabytes

    @property
    def peak_megabytes(self) -> float:
        status = Path(f"/proc/{self.api.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000

    def predict_seconds(self) -> float:
        started = time.perf_counter()
        answer = self.api.client.post("/v1/predict", content=SEVEN, headers={"Content-Type": "image/png"})
        assert answer.json()["digit"] == 7
        return time.perf_counter() - started


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    busy = Busy(tmp_path_factory.mktemp("busy") / "data")
    busy.predict_seconds()
    yield busy
    busy.api.stop()


def read_all(connection: socket.socket) -> int:
    """Returns the bytes until the server closes."""
    size = 0
    with connection:
        while piece := connection.recv(2**20):
            size += len(piece)
    return size


def test_curves_come_as_they_were_stored(busy: Busy) -> None:
    answer = busy.api.client.get(f"/v1/jobs/{busy.job}/curves.npz")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.content == busy.file.read_bytes()
    losses = np.load(io.BytesIO(answer.content))["losses"]
    with busy.api.client.stream("GET", f"/v1/jobs/{busy.job}/curves") as csv:
        lines = csv.iter_lines()
        assert len(next(lines).split(",")) == RATES + 1
        rows = [np.array(line.split(",")[1:], np.float32) for line in lines]
    np.testing.assert_array_equal(np.array(rows).T, losses)


@pytest.mark.parametrize("path", ["curves.npz", "curves"])
def test_memory_stays_flat_and_others_are_served_whoever_reads(busy: Busy, path: str) -> None:
    before = busy.begin_peak()
    with ExitStack() as stack:
        for _ in range(6):
            stack.enter_context(busy.begin(path))
        readers = [Thread(target=read_all, args=(busy.begin(path),)) for _ in range(4)]
        for reader in readers:
            reader.start()
        slowest = max(busy.predict_seconds() for _ in range(20))
        for reader in readers:
            reader.join()
        growth = busy.peak_megabytes - before
    print(f"{path}: {growth:.0f} MB more at the peak, slowest prediction {1000 * slowest:.0f} ms")
    assert growth < MAX_GROWTH_MEGABYTES
    assert slowest < 1


@pytest.mark.parametrize("path", ["curves.npz", "curves"])
def test_head_reads_one_chunk(busy: Busy, path: str) -> None:
    before = busy.api.cpu_seconds
    for _ in range(5):
        answer = busy.api.client.head(f"/v1/jobs/{busy.job}/{path}")
        assert answer.is_success
        assert not answer.content
    assert path == "curves" or int(answer.headers["content-length"]) == busy.file.stat().st_size
    assert busy.api.cpu_seconds - before < 5  # a whole CSV alone takes 1


def test_past_the_bound_on_readers_a_client_is_told_to_come_back_and_small_files_are_sent(busy: Busy) -> None:
    path = f"/v1/jobs/{busy.job}/curves.npz"
    with ExitStack() as stack:
        for _ in range(downloads.MAX_DOWNLOADS):
            stack.enter_context(busy.begin("curves.npz")).recv(100)
        answer = busy.api.client.get(path)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "large files" in answer.json()["detail"]
        assert busy.api.client.get("/v1/models/1/files/card.json").is_success
    deadline = time.monotonic() + 10
    while busy.api.client.get(path).status_code != 200:  # the readers have gone
        assert time.monotonic() < deadline


def test_damaged_curves_never_come_whole(busy: Busy) -> None:
    size = busy.file.stat().st_size
    with busy.file.open("r+b") as file:
        file.seek(size - 1)
        last = file.read(1)
        file.seek(size - 1)
        file.write(bytes([last[0] ^ 1]))
    try:
        assert read_all(busy.begin("curves.npz")) < size
        answer = busy.api.client.get(f"/v1/jobs/{busy.job}/curves")
        assert answer.status_code == 503
        assert "damaged" in answer.json()["detail"]
    finally:
        with busy.file.open("r+b") as file:
            file.seek(size - 1)
            file.write(last)


@pytest.mark.parametrize(
    ("name", "value"), [("MAX_STILL_SECONDS", 0.3), ("MIN_BYTES_PER_SECOND", 2**40)], ids=["still", "slow"]
)
def test_reader_that_stands_still_or_is_too_slow_loses_its_connection(
    name: str, value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MAX_STILL_SECONDS", 1.0)
    monkeypatch.setattr(downloads, name, value)
    settings = Settings(data_dir=tmp_path, port=free_port())
    upgrade(settings.resolved_database_url)
    job = store_sweep(tmp_path, rates=1000, epochs=2500)
    [file] = tmp_path.rglob("*.npz")
    pause = 2.0 if name == "MAX_STILL_SECONDS" else 0.05
    with serve(settings, RecordedNotifier()) as client:
        client.get("/livez")
        with socket.create_connection(("127.0.0.1", settings.port)) as connection:
            connection.sendall(f"GET /v1/jobs/{job}/curves.npz HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert read_slowly(connection, pause) < file.stat().st_size


def read_slowly(connection: socket.socket, pause: float) -> int:
    """Returns the bytes that came before the server closed."""
    size = 0
    try:
        while piece := connection.recv(2**16):
            size += len(piece)
            time.sleep(pause)
            pause = min(pause, 0.05)
    except ConnectionResetError:
        pass
    return size
