"""What the API holds, and what others see of it, while it is attacked: python benchmarks/hostile.py [MINUTES]

`numeral up` is attacked by each kind of attack in turn (attacks.py), again and again for ten minutes, while one
well-behaved client predicts a 320x400 PNG and asks /livez. Memory is the resident memory of the API's processes; the
one before is taken after a figure and a large picture, since the first of each loads libraries, 45 MB.
"""

import multiprocessing
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import httpx
import psutil
from attacks import ATTACKS, png, small_png
from services import percentile, running, wait_until_predicting

ATTACK_SECONDS = 12.0
SETTLE_SECONDS = 30.0
MAX_GROWTH_MB = 60
PNG = {"Content-Type": "image/png"}
COLUMNS = "attack              peak MB  predict ms p50   worst  livez ms p50   worst  failed"


def main(minutes: float) -> None:
    with running("up") as (client, process, _):
        wait_until_predicting(client)
        port = client.base_url.port or 0
        watch = Watch(process.pid, port)
        warm_up(client)
        before = watch.megabytes()
        end = time.monotonic() + 60 * minutes
        print(COLUMNS)
        while time.monotonic() < end:
            for attack in ATTACKS:
                watch.begin()
                attacker = multiprocessing.get_context("spawn").Process(target=attack, args=(port, ATTACK_SECONDS))
                attacker.start()  # a process of its own: its threads must not delay the well-behaved client's
                attacker.join(4 * ATTACK_SECONDS)
                attacker.kill()
                print(f"{attack.__name__:18} {watch.report()}", flush=True)
        time.sleep(SETTLE_SECONDS)
        after = watch.megabytes()
        watch.close()
        print(f"resident memory: {before:.0f} MB before, {after:.0f} MB {SETTLE_SECONDS:.0f} s after")
        if after > before + MAX_GROWTH_MB:
            raise SystemExit(f"it grew by more than {MAX_GROWTH_MB} MB")


def warm_up(client: httpx.Client) -> None:
    """Ask once for what is made by libraries that are loaded on demand."""
    job = client.post("/v1/jobs", json={"kind": "backprop_sweep"}, headers={"Prefer": "wait=20"}).raise_for_status()
    client.get(f"/v1/jobs/{job.json()['id']}/plot.svg").raise_for_status()
    client.post("/v1/predict", content=png(4000, 4000), headers=PNG)


class Watch:
    """A well-behaved client, and an eye on the API's memory."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid, self._url = pid, f"http://127.0.0.1:{port}"
        self._closing = threading.Event()
        self.begin()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._predict, self._ask_livez, self._weigh)
        ]
        for thread in self._threads:
            thread.start()

    def begin(self) -> None:
        self.predictions: list[float] = []
        self.livez: list[float] = []
        self.failures, self.peak = 0, 0.0

    def report(self) -> str:
        predictions, livez = self.predictions or [float("nan")], self.livez or [float("nan")]
        return (
            f"{self.peak:8.0f} {percentile(predictions, 0.5):15.0f} {max(predictions):7.0f} "
            f"{percentile(livez, 0.5):13.0f} {max(livez):7.0f} {self.failures:7}"
        )

    def megabytes(self) -> float:
        """Resident memory of the API: the child of `numeral up` that runs `app.cli api`, and what descends from it."""
        for child in psutil.Process(self._pid).children():
            if child.cmdline()[-1] == "api":
                return sum(each.memory_info().rss for each in (child, *child.children(recursive=True))) / 1e6
        return 0.0

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def _predict(self) -> None:
        picture = small_png()
        with httpx.Client(base_url=self._url, timeout=30, trust_env=False) as client:
            while not self._closing.wait(0.1):
                self._time(self.predictions, partial(client.post, "/v1/predict", content=picture, headers=PNG))

    def _ask_livez(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30, trust_env=False) as client:
            while not self._closing.wait(0.05):
                self._time(self.livez, partial(client.get, "/livez"))

    def _time(self, times: list[float], ask: Callable[[], httpx.Response]) -> None:
        start = time.perf_counter()
        try:
            if not ask().is_success:
                self.failures += 1
        except httpx.HTTPError:
            self.failures += 1
        times.append(1000 * (time.perf_counter() - start))

    def _weigh(self) -> None:
        while not self._closing.wait(0.1):
            try:
                self.peak = max(self.peak, self.megabytes())
            except psutil.Error:
                continue


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
