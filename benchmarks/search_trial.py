"""A search of 12 trials over two workers, one of which is killed in the middle: python benchmarks/search_trial.py

Prints the trials, and exits with 1 unless exactly 12 exist, each once, and the winner alone was tested.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import httpx
import psutil
from services import NUMERAL, running, wait_until_predicting

TRIALS, KILLED_AFTER = 12, 4  # trials that have ended when a worker is killed, with the trial that it trains
SEARCH = {
    "kind": "training_search",
    "sampler": "tpe",
    "trials": TRIALS,
    "parallel": 2,
    "pruning": "asha",
    "seed": 1,
    "base": {"dataset": "optdigits", "epochs": 6},
    "space": {
        "learning_rate": {"low": 0.003, "high": 1.0, "log": True},
        "batch_size": {"values": [32, 64, 128]},
        "rotation": {"low": 0, "high": 30},
    },
}
TRAINERS, LIMIT_SECONDS = 2, 1800.0


def main() -> None:
    os.environ["NUMERAL_LEASE_SECONDS"] = "5"
    with running("up") as (client, _, folder):
        client.timeout = httpx.Timeout(120)
        wait_until_predicting(client, seconds=LIMIT_SECONDS)  # also on a machine that has other work
        environment = os.environ | {"NUMERAL_DATA_DIR": str(folder)}
        other = subprocess.Popen(
            [*NUMERAL, "worker", "--queue", "training"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            search = client.post("/v1/jobs", json=SEARCH).raise_for_status().json()["id"]
            started = time.monotonic()
            killed = kill_a_trainer(client, search)
            document = wait_for_end(client, search)
            broken = report(client, document, killed, seconds=time.monotonic() - started)
        finally:
            other.terminate()
            other.wait(30)
    sys.exit(1 if broken else 0)


def kill_a_trainer(client: httpx.Client, search: str) -> str:
    """SIGKILL to a worker while both train and some trials have ended. Returns the job that it was training."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        items = client.get(f"/v1/jobs/{search}/trials").json()["items"]
        ended = sum(trial["status"] not in ("queued", "running") for trial in items)
        workers = [worker for worker in client.get("/v1/system").json()["workers"] if worker["job"]]
        training = [worker for worker in workers if worker["job"]["kind"] == "mnist_training"]
        if ended >= KILLED_AFTER and len(training) == TRAINERS:
            job = str(training[0]["job"]["id"])
            child = psutil.Process(int(training[0]["name"].rpartition(":")[2]))
            for process in (child.parent(), child):
                if process is not None:
                    os.kill(process.pid, signal.SIGKILL)
            return job
        time.sleep(0.1)
    raise TimeoutError(f"the search had not {KILLED_AFTER} trials after {LIMIT_SECONDS:g} s")


def wait_for_end(client: httpx.Client, job: str) -> dict[str, Any]:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        document: dict[str, Any] = client.get(f"/v1/jobs/{job}").json()
        if document["status"] in ("succeeded", "failed", "cancelled"):
            return document
        time.sleep(0.5)
    raise TimeoutError(f"the search has not ended after {LIMIT_SECONDS:g} s")


def report(client: httpx.Client, search: dict[str, Any], killed: str, *, seconds: float) -> list[str]:
    """Print the trials and what became of them. Returns what is not as it must be."""
    trials = client.get(f"/v1/jobs/{search['id']}/trials").json()["items"]
    pages = [client.get(f"/v1/jobs/{trial['job_id']}").json() for trial in trials]
    print(f"{'trial':>5} {'status':10} {'validation':>10} {'epochs':>6} {'attempts':>8} {'seconds':>8}  settings")
    for trial, page in zip(trials, pages, strict=True):
        value = "" if trial["value"] is None else f"{trial['value']:.4f}"
        settings = ", ".join(f"{name} {number:.4g}" for name, number in trial["params"].items())
        counts = f"{trial['epochs']:6} {page['attempt']:8} {trial['seconds'] or 0:8.1f}"
        print(f"{trial['number']:5} {trial['status']:10} {value:>10} {counts}  {settings}")
    jobs = client.get("/v1/jobs", params={"kind": "mnist_training", "limit": 100}).json()["items"]
    roles = Counter(job["search"]["role"] for job in jobs if job["search"] and job["search"]["id"] == search["id"])
    tested = [page["id"] for page in [*pages, *_winners(client, jobs)] if "test" in (page["result"] or {})]
    made = [model["version"] for model in client.get("/v1/models").json()["items"] if model["version"] != "1"]
    again = [page["search"]["trial"] for page in pages if page["attempt"] > 1]
    print(
        f"\nsearch: {search['status']} after {seconds:.0f} s; {dict(Counter(trial['status'] for trial in trials))}; "
        f"children: {dict(roles)}; run again: trials {again}; versions made: {len(made)}"
    )
    print(f"best: {search['result'] and search['result']['best']}\nwinner: {_describe(search['result'])}")
    promises = {
        "the search succeeded": search["status"] == "succeeded",
        f"there are {TRIALS} trials, numbered from 0": [trial["number"] for trial in trials] == list(range(TRIALS)),
        "all of them are jobs of their own": len({trial["job_id"] for trial in trials}) == TRIALS == roles["trial"],
        "the trial of the killed worker ran again": killed in [page["id"] for page in pages if page["attempt"] > 1],
        "no epoch stands there twice": all(_counts_up(page["epochs"]) for page in pages),
        "the winner alone was tested": len(tested) == roles["winner"] == len(made) == 1,
    }
    broken = [promise for promise, is_kept in promises.items() if not is_kept]
    print("broken: " + "; ".join(broken) if broken else "all kept: " + "; ".join(promises))
    return broken


def _winners(client: httpx.Client, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    winners = [job["id"] for job in jobs if job["search"] and job["search"]["role"] == "winner"]
    return [client.get(f"/v1/jobs/{job}").json() for job in winners]


def _describe(result: dict[str, Any] | None) -> str:
    if result is None:
        return "none"
    test = result["winner"]["test"]
    return f"version {result['winner']['model_version']}, {test['correct']} of {test['total']} test pictures read right"


def _counts_up(epochs: list[dict[str, Any]]) -> bool:
    return [epoch["epoch"] for epoch in epochs] == list(range(1, len(epochs) + 1))


if __name__ == "__main__":
    main()
