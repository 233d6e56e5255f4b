"""The figures of the backprop lab. The first needs a running service with an idle worker:

python benchmarks/backprop.py --url http://127.0.0.1:8000
"""

import argparse
import statistics
import time
from collections.abc import Callable

import httpx
import numpy as np
import torch

from models.backprop.derivation.general import derive_step
from models.backprop.sweeps.sweep import create_networks, run_sweep
from models.backprop.sweeps.task import Task

INPUTS, TARGETS = (0.05, 0.10), (0.5, 0.5)
WEIGHTS = (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)
TASK = Task((2, 2, 2), "sigmoid", False, np.array([INPUTS]), np.array([TARGETS]), np.array(WEIGHTS))
RATES, EPOCHS = 1_000, 10_000
RUNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="of a running service; without it the first figure is left out")
    url = parser.parse_args().url
    torch.set_num_threads(1)
    if url:
        seconds = through_the_queue(url)
        say("default sweep through the queue, p50", f"{1000 * statistics.median(seconds):.1f} ms", "under 60 ms")
        say("default sweep through the queue, p95", f"{1000 * np.quantile(seconds, 0.95):.1f} ms", "")
    traced = least_cpu_seconds(lambda: [derive_step(TASK, TASK.start, 0.5) for _ in range(100)]) / 100
    say("one trace", f"{1000 * traced:.2f} ms CPU", "under 3 ms")
    descent = least_cpu_seconds(descend)
    say("1,000 learning rates x 10,000 epochs, the arithmetic", f"{descent:.2f} s CPU", "under 1 s")
    recorded = least_cpu_seconds(
        lambda: run_sweep(TASK, rates().tolist(), epochs=EPOCHS, thresholds=[1e-3, 1e-6]), runs=2
    )
    say("the same with every loss and gradient norm kept", f"{recorded:.2f} s CPU", "")
    ratio = autograd_seconds_per_step() / (descent / RATES / EPOCHS)
    say("torch.autograd, one rate after the other, to this", f"{ratio:,.0f} times", "at least 500")


def through_the_queue(url: str, *, requests: int = 100) -> list[float]:
    """Seconds from the request to the finished job, one request after the other."""
    with httpx.Client(base_url=url, timeout=60) as client:
        seconds = []
        for _ in range(requests + 5):
            started = time.perf_counter()
            answer = client.post("/v1/jobs", json={"kind": "backprop_sweep"}, headers={"Prefer": "wait=10"})
            seconds.append(time.perf_counter() - started)
            answer.raise_for_status()
            if answer.json()["status"] != "succeeded":
                raise SystemExit(f"The sweep was not done in time: it is {answer.json()['status']}.")
    return seconds[5:]  # the first ones warm up


def descend() -> None:
    networks = create_networks(TASK, rates())
    loss, squared_norm = np.empty((2, RATES))
    networks.evaluate(loss, squared_norm)
    for _ in range(EPOCHS):
        networks.step()
        networks.evaluate(loss, squared_norm)


def autograd_seconds_per_step(*, steps: int = 2_000) -> float:
    """What one step of one network costs when torch derives the gradients."""
    inputs, targets = torch.tensor(INPUTS, dtype=torch.float64), torch.tensor(TARGETS, dtype=torch.float64)
    weights = torch.tensor(WEIGHTS, dtype=torch.float64)
    hidden, output = (part.reshape(2, 2).clone().requires_grad_() for part in weights.split(4))

    def train() -> None:
        for _ in range(steps):
            loss = ((targets - torch.sigmoid(output @ torch.sigmoid(hidden @ inputs))) ** 2).sum() / 2
            loss.backward()
            with torch.no_grad():
                for matrix in (hidden, output):
                    matrix -= 0.5 * matrix.grad
                    matrix.grad = None

    return least_cpu_seconds(train, runs=2) / steps


def rates() -> np.ndarray:
    return np.geomspace(0.01, 100, RATES)


def least_cpu_seconds(work: Callable[[], object], *, runs: int = RUNS) -> float:
    """CPU seconds of the best of some runs: the others were disturbed."""
    seconds = []
    for _ in range(runs):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def say(what: str, figure: str, bound: str) -> None:
    print(f"{what:<56}{figure:>16}   {bound}")


if __name__ == "__main__":
    main()
