import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from app.errors import ClientGone, Overloaded
from app.serving import figures
from app.serving.figures import Figures
from app.serving.load_shedding import LoadShedder
from tests.limits.big_jobs import store_sweep
from tests.raw import ApiProcess

SEVEN = Path("docs/examples/seven.png").read_bytes()


def here() -> bool:
    return False


def gone() -> bool:
    return True


def test_plots_of_large_sweeps_that_nobody_waits_for_keep_nobody_waiting(tmp_path: Path) -> None:
    api = ApiProcess(tmp_path / "data")
    try:
        jobs = [store_sweep(tmp_path / "data", rates=1000, epochs=100) for _ in range(5)]
        assert api.client.get(f"/v1/jobs/{jobs[0]}/plot.svg").is_success
        connections = [api.connect() for _ in range(60)]
        for number, connection in enumerate(connections):
            view, job = ("curves", "panels")[number % 2], jobs[number % len(jobs)]
            connection.sendall(f"GET /v1/jobs/{job}/plot.png?view={view} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        asks: dict[str, Callable[[], object]] = {
            "/readyz": lambda: api.client.get("/readyz").raise_for_status(),
            "/v1/jobs": lambda: api.client.post("/v1/jobs", json={"kind": "backprop_sweep"}).raise_for_status(),
            "/v1/predict": lambda: api.client.post(
                "/v1/predict", content=SEVEN, headers={"Content-Type": "image/png"}
            ).raise_for_status(),
        }
        slowest = {name: max(seconds(ask) for _ in range(10)) for name, ask in asks.items()}
        for connection in connections:
            connection.close()
        again = seconds(lambda: api.client.get(f"/v1/jobs/{jobs[0]}/plot.svg").raise_for_status())
        print(
            {name: f"{1000 * value:.0f} ms" for name, value in slowest.items()}, f"a kept plot: {1000 * again:.0f} ms"
        )
        assert max(slowest.values()) < 2
        assert again < 1
    finally:
        api.stop()


def seconds(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


def test_equal_figures_are_drawn_once_and_kept() -> None:
    drawn: list[str] = []

    def draw() -> bytes:
        drawn.append("a")
        return b"figure"

    async def ask() -> None:
        room = Figures(LoadShedder())
        assert await asyncio.gather(*(room.get("a", draw, here) for _ in range(20))) == [b"figure"] * 20
        assert await room.get("a", draw, here) == b"figure"

    asyncio.run(ask())
    assert drawn == ["a"]


def test_least_recently_used_figures_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MAX_KEPT_BYTES", 25)
    drawn: list[int] = []

    def draw(key: int) -> bytes:
        drawn.append(key)
        return bytes(10)

    async def ask() -> None:
        room = Figures(LoadShedder())
        for key in (1, 2, 1, 3, 1, 2):  # 3 takes the place of 2
            await room.get(key, partial(draw, key), here)

    asyncio.run(ask())
    assert drawn == [1, 2, 3, 2]


def test_figure_whose_clients_have_left_is_not_drawn_and_one_that_another_awaits_is() -> None:
    begun, go_on, drawn = threading.Event(), threading.Event(), list[str]()

    def block() -> bytes:
        begun.set()
        go_on.wait(10)
        return b"first"

    def draw(name: str) -> bytes:
        drawn.append(name)
        return name.encode()

    async def ask() -> list[bytes | BaseException]:
        room = Figures(LoadShedder())
        first = asyncio.create_task(room.get("first", block, here))
        await asyncio.to_thread(begun.wait, 10)
        rest = [
            asyncio.create_task(room.get(name, partial(draw, name), client))
            for name, client in (("left", gone), ("left", gone), ("both", gone), ("both", here))
        ]
        await asyncio.sleep(0.05)
        go_on.set()
        return await asyncio.gather(first, *rest, return_exceptions=True)

    first, left, left_too, _, both = asyncio.run(ask())
    assert (first, both, drawn) == (b"first", b"both", ["both"])
    assert isinstance(left, ClientGone)
    assert isinstance(left_too, ClientGone)


@pytest.mark.parametrize(
    ("bound", "keys", "refused"), [("MAX_WAITING_FIGURES", (1, 2), 3), ("MAX_FIGURE_REQUESTS", (1, 1), 1)]
)
def test_past_the_bounds_on_waiting_figures_a_client_is_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch, bound: str, keys: tuple[int, ...], refused: int
) -> None:
    monkeypatch.setattr(figures, bound, 2)
    go_on = threading.Event()

    def block() -> bytes:
        go_on.wait(10)
        return b""

    async def ask() -> None:
        room = Figures(LoadShedder())
        tasks = [asyncio.create_task(room.get(key, block, here)) for key in keys]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await room.get(refused, block, here)
        go_on.set()
        await asyncio.gather(*tasks)

    asyncio.run(ask())
