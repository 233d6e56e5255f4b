"""Goodput under overload: python benchmarks/overload.py

Sends one request over 16 connections, which saturate the service, and over 256, whose clients send again as soon as
they have a response; both several times, alternating. Goodput counts the responses with status 200. The server's CPU
time per such response shows what rejections cost; the rate also depends on what else the machine does. GET /livez is
measured during the overload.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median

import httpx
from services import cpu_seconds, load, post, running, wait_until_predicting

ROUNDS, REQUESTS = 7, 10_000
NORMAL, OVERLOADED = 16, 256  # connections
BODY = json.dumps({"pixels": [0] * 300 + [200] * 100 + [0] * 384}).encode()
REQUEST = post("/v1/predict", "Content-Type: application/json", BODY)


def main() -> None:
    with running("api") as (client, process, _):
        wait_until_predicting(client)
        for connections in (NORMAL, OVERLOADED):
            measure(client, process.pid, connections)
        waits: list[float] = []
        figures: dict[int, list[tuple[float, float, float]]] = {NORMAL: [], OVERLOADED: []}
        for _ in range(ROUNDS):
            for connections, found in figures.items():
                with asking_livez(client, waits if connections == OVERLOADED else []):
                    found.append(measure(client, process.pid, connections))
    for connections, rounds in figures.items():
        rate, cpu, refused = (median(values) for values in zip(*rounds, strict=True))
        print(
            f"{connections:4} connections  {rate:6.0f} answers/s  {cpu:5.0f} us CPU an answer  {refused:5.0f} refused"
        )
    pairs = list(zip(figures[NORMAL], figures[OVERLOADED], strict=True))
    print(f"goodput by the clock {median(many[0] / few[0] for few, many in pairs):.0%} of capacity")
    print(f"goodput by CPU       {median(few[1] / many[1] for few, many in pairs):.0%}")
    print(f"/livez meanwhile     p50 {1000 * median(waits):.0f} ms, worst {1000 * max(waits):.0f} ms of {len(waits)}")


def measure(client: httpx.Client, process: int, connections: int) -> tuple[float, float, float]:
    """Returns successful answers per second, CPU microseconds per such answer, and the number of rejected requests."""
    before = cpu_seconds(process)
    found = load(client, REQUEST, connections, REQUESTS)
    answered = found["statuses"]["200"]
    cpu = 1e6 * (cpu_seconds(process) - before) / answered
    return answered / found["seconds"], cpu, found["statuses"].get("429", 0)


@contextmanager
def asking_livez(client: httpx.Client, waits: list[float]) -> Iterator[None]:
    """Send GET /livez every 20 ms during the block, and append the latencies to `waits`. Raises a request's error."""
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.wait(0.02):
            start = time.perf_counter()
            client.get("/livez").raise_for_status()
            waits.append(time.perf_counter() - start)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            yield
        finally:
            is_over.set()
        asking.result()


if __name__ == "__main__":
    main()
