"""How long until the first prediction, and how much memory the API takes: python benchmarks/startup.py"""

import statistics
import time
from pathlib import Path

from services import running, wait_until_predicting

RUNS = 5


def main() -> None:
    seconds, megabytes = [], []
    for _ in range(RUNS):
        with running("api") as (client, process, _):
            start = time.perf_counter()
            wait_until_predicting(client)
            seconds.append(time.perf_counter() - start)
            megabytes.append(resident_megabytes(process.pid))
            assert "torch" not in Path(f"/proc/{process.pid}/maps").read_text()
    print(f"API, start to first prediction: median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s")
    print(f"API, resident memory then: median {statistics.median(megabytes):.0f} MB; no torch is mapped into it")
    seconds = []
    for _ in range(RUNS):
        with running("up") as (client, _, _):
            start = time.perf_counter()
            wait_until_predicting(client)
            seconds.append(time.perf_counter() - start)
    print(
        f"numeral up, start to first prediction: median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s"
    )


def resident_megabytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1000


if __name__ == "__main__":
    main()
