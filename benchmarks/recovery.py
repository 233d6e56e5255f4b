"""How long after its worker died another one runs the job: python benchmarks/recovery.py"""

import os
import signal
import subprocess
import time

import httpx
import psutil
from services import NUMERAL, running, wait_until_predicting

WORKERS = 4  # one for sweeps, one for searches, two for trainings
KILLS = {"2": 5, "30": 2}  # lease in seconds -> how often
TRAINING = {"kind": "mnist_training", "dataset": "optdigits", "epochs": 200}


def main() -> None:
    for lease, kills in KILLS.items():
        os.environ["NUMERAL_LEASE_SECONDS"] = lease
        with running("up") as (client, _, folder):
            wait_until_predicting(client)
            other = subprocess.Popen(
                [*NUMERAL, "worker", "--queue", "training"], env=os.environ | {"NUMERAL_DATA_DIR": str(folder)}
            )
            seconds = [time_one_death(client) for _ in range(kills)]
            other.terminate()
            other.wait(30)
            print(f"lease {lease:>2} s: runs again after " + ", ".join(f"{value:.2f} s" for value in seconds))


def time_one_death(client: httpx.Client) -> float:
    """Seconds from the death of a worker, with all its processes, to its job's next start."""
    while len(living(client)) < WORKERS:
        time.sleep(0.05)
    job = client.post("/v1/jobs", json=TRAINING).json()["id"]
    while not (name := worker_of(client, job)):
        time.sleep(0.01)
    child = int(name.rpartition(":")[2])
    parent = psutil.Process(child).ppid()
    attempt = client.get(f"/v1/jobs/{job}").json()["attempt"]
    start = time.perf_counter()
    for process in (parent, child):
        os.kill(process, signal.SIGKILL)
    while client.get(f"/v1/jobs/{job}").json()["attempt"] == attempt:
        time.sleep(0.005)
    seconds = time.perf_counter() - start
    client.post(f"/v1/jobs/{job}/cancel")
    while client.get(f"/v1/jobs/{job}").json()["status"] != "cancelled":
        time.sleep(0.05)
    return seconds


def living(client: httpx.Client) -> list[str]:
    """The workers whose processes exist; the service lists all that reported in the last minute."""
    names = [worker["name"] for worker in client.get("/v1/system").json()["workers"]]
    return [name for name in names if psutil.pid_exists(int(name.rpartition(":")[2]))]


def worker_of(client: httpx.Client, job: str) -> str | None:
    """The worker that runs the job."""
    for worker in client.get("/v1/system").json()["workers"]:
        if worker["job"] and worker["job"]["id"] == job:
            return str(worker["name"])
    return None


if __name__ == "__main__":
    main()
