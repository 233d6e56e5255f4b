"""Fifty short jobs while workers, Valkey and API are killed at random: python benchmarks/soak.py [minutes]

Every job must end once, no epoch may be reported twice, jobs of one spec must end with the same answer, nothing
may be left running, and memory must not grow. Prints a report; exits with 1 if a promise was broken.
"""

import collections
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from services import running, wait_until_predicting

JOBS, SEEDS, EPOCHS = 50, (0, 1, 2), 4
PAUSE_SECONDS = (1.0, 9.0)  # between two kills
TARGETS = {  # what is killed, by words of its command line
    "API": ("app.cli", "api"),
    "worker (sweeps)": ("worker.celery_app", "sweeps"),
    "worker (trainings)": ("worker.celery_app", "training"),
    "Valkey": ("valkey-server",),
}


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    chance = random.Random(0)
    os.environ["NUMERAL_LEASE_SECONDS"] = "2"
    with running("up") as (client, _, folder):
        wait_until_predicting(client)
        port = str(client.base_url.port)
        undisturbed = {seed: answer_of(client, wait_for_end(client, submit(client, seed))) for seed in (None, *SEEDS)}
        memory = [resident_megabytes(port, folder)]
        jobs, kills = disturb(client, port, folder, chance, seconds=60 * minutes)
        ended = [wait_for_end(client, job) for job in jobs]
        wait_until_predicting(client)
        time.sleep(5)  # the last ones killed come back
        memory.append(resident_megabytes(port, folder))
        broken = [problem for job in ended for problem in problems(client, job, undisturbed)]
        broken += [] if memory[1] < 1.25 * memory[0] else [f"memory grew from {memory[0]:.0f} to {memory[1]:.0f} MB"]
    orphans = processes(port, folder)
    broken += [f"left running: {orphans}"] if orphans else []
    report(ended, kills, memory, minutes, broken)
    sys.exit(1 if broken else 0)


def disturb(
    client: httpx.Client, port: str, folder: Path, chance: random.Random, *, seconds: float
) -> tuple[list[str], collections.Counter[str]]:
    """Submit the jobs at even intervals, and kill a process every few seconds. Returns job ids and kills."""
    start = time.monotonic()
    jobs: list[str] = []
    kills: collections.Counter[str] = collections.Counter()
    next_kill = start
    while (now := time.monotonic()) < start + seconds or len(jobs) < JOBS:
        if len(jobs) < JOBS and now > start + len(jobs) * seconds / JOBS:
            jobs.append(submit(client, chance.choice(SEEDS) if chance.random() < 0.5 else None, key=str(len(jobs))))
        if now > next_kill:
            name, words = chance.choice(list(TARGETS.items()))
            if found := processes(port, folder, *words):
                os.kill(chance.choice(found), signal.SIGKILL)
                kills[name] += 1
            next_kill = now + chance.uniform(*PAUSE_SECONDS)
        time.sleep(0.05)
    return jobs, kills


def submit(client: httpx.Client, seed: int | None, *, key: str = "") -> str:
    """Submit a small training with this seed, or a sweep; retry with the same Idempotency-Key until accepted."""
    spec: dict[str, Any] = {"kind": "backprop_sweep"}
    if seed is not None:
        spec = {"kind": "mnist_training", "dataset": "optdigits", "epochs": EPOCHS, "seed": seed}
    job: str = ask(client, "POST", "/v1/jobs", json=spec, headers={"Idempotency-Key": f"{key}-{seed}"})["id"]
    return job


def ask(client: httpx.Client, method: str, path: str, **options: Any) -> Any:
    """Returns the answer of the API, retrying for a minute while the API is down."""
    deadline = time.monotonic() + 60
    while True:
        try:
            answer = client.request(method, path, **options)
            if answer.is_success:
                return answer.json()
            found = answer.text
        except httpx.TransportError as error:
            found = str(error)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{method} {path} is not answered: {found}")
        time.sleep(0.1)


def wait_for_end(client: httpx.Client, job: str) -> dict[str, Any]:
    deadline = time.monotonic() + 300
    while (found := ask(client, "GET", f"/v1/jobs/{job}"))["status"] in ("queued", "running"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"job {job} does not end: {found}")
        time.sleep(0.2)
    return dict(found)


def answer_of(client: httpx.Client, job: dict[str, Any]) -> str:
    """The part of a result that interruptions must not change: a sweep's trials, or the sha256 of the weights."""
    if job["kind"] == "backprop_sweep":
        return json.dumps(job["result"]["trials"])
    version = ask(client, "GET", f"/v1/models/{job['result']['model_version']}")
    return str(version["card"]["weights_sha256"])


def problems(client: httpx.Client, job: dict[str, Any], undisturbed: dict[int | None, str]) -> list[str]:
    """The broken promises of one job, as sentences."""
    path = f"/v1/jobs/{job['id']}/events"
    events = ask(client, "GET", path, params={"limit": 1000}, headers={"Accept": "application/json"})["items"]
    ends = [event for event in events if event["data"].get("status") in ("succeeded", "failed", "cancelled")]
    epochs = [event["data"]["epoch"] for event in events if event["event"] == "epoch"]
    trials = [event["data"]["learning_rate"] for event in events if event["event"] == "trial"]
    found = [] if len(ends) == 1 else [f"{job['id']} ended {len(ends)} times"]
    if [event["id"] for event in events] != list(range(1, len(events) + 1)):
        found.append(f"the events of {job['id']} have a gap")
    if len(set(epochs)) != len(epochs) or len(set(trials)) != len(trials):
        found.append(f"{job['id']} reported something twice: {epochs or trials}")
    if job["status"] == "failed" and (job["error"]["reason"], job["attempt"]) != ("worker_lost", 3):
        found.append(f"{job['id']} failed: {job['error']}")
    if job["status"] == "succeeded":
        is_training = job["kind"] == "mnist_training"
        if is_training and epochs != list(range(1, EPOCHS + 1)):
            found.append(f"{job['id']} has the epochs {epochs}")
        if answer_of(client, job) != undisturbed[job["spec"]["seed"] if is_training else None]:
            found.append(f"{job['id']} has another answer than an undisturbed run")
    return found


def processes(port: str, folder: Path, *words: str) -> list[int]:
    """The ids of the service's processes whose command line contains all `words`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = ((entry / name).read_bytes() for name in ("cmdline", "environ"))
        except OSError:
            continue
        is_ours = f"NUMERAL_PORT={port}".encode() in environment.split(b"\0") or bytes(folder) in command
        if is_ours and command and all(word.encode() in command for word in words):
            found.append(int(entry.name))
    return found


def resident_megabytes(port: str, folder: Path) -> float:
    total = 0.0
    for process in processes(port, folder):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total


def report(
    ended: list[dict[str, Any]], kills: collections.Counter[str], memory: list[float], minutes: float, broken: list[str]
) -> None:
    statuses = collections.Counter(f"{job['kind']} {job['status']}" for job in ended)
    tries = collections.Counter(job["attempt"] for job in ended)
    print(f"soak of {minutes:g} minutes: {len(ended)} jobs, {sum(kills.values())} kills")
    print("  kills:    ", ", ".join(f"{count} of {name}" for name, count in sorted(kills.items())))
    print("  ends:     ", ", ".join(f"{count} {name}" for name, count in sorted(statuses.items())))
    print("  attempts: ", ", ".join(f"{count} jobs took {number}" for number, count in sorted(tries.items())))
    print(f"  memory:    {memory[0]:.0f} MB before, {memory[1]:.0f} MB after (all processes, proportional set size)")
    print("  promises: ", "all kept" if not broken else "; ".join(broken))


if __name__ == "__main__":
    main()
