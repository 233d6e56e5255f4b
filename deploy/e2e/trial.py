"""Tries the whole deployment, with real containers, and says what was measured: make e2e-compose

It needs Docker with compose, and root, since it kills containers' processes from the host. The stack gets a name and a
port of its own, and is removed at the end with all its data. NUMERAL_MNIST may name a folder that holds MNIST/raw; the
training is one of `optdigits` otherwise. WHEELS, TORCH_WHEELS and PIP_NO_INDEX are as for a build.
"""

import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from load import Load
from stack import (
    ROOT,
    client,
    compose,
    containers,
    docker,
    epochs,
    is_predicting,
    job,
    kill,
    memory,
    require,
    submit,
    wait_for,
    wait_for_end,
)

SWEEP = {"kind": "backprop_sweep"}
DATASET = "mnist" if os.environ.get("NUMERAL_MNIST") else "optdigits"
LONG = {"kind": "mnist_training", "dataset": "optdigits", "epochs": 120}


def main() -> None:
    compose("down", "--volumes", "--remove-orphans")
    compose("build")
    for image in ("numeral-api", "numeral-worker"):
        print(f"{image}: {int(docker('image', 'inspect', '--format', '{{.Size}}', image)) / 1e6:.0f} MB")
    try:
        print(f"`up` of nothing to the first prediction: {seconds_to_predict():.1f} s")
        work()
        lose_a_worker()
        lose_the_api()
        restart("redis", at_least=500)
        restart("postgres", at_least=500)
        scale_workers()
        roll()
        go_down_and_up()
        back_up_and_restore()
    finally:
        compose("down", "--volumes", "--remove-orphans")
    print("All of it went well.")


def seconds_to_predict() -> float:
    """From `up` to the first prediction; `up` itself must succeed."""
    started = time.monotonic()
    up = subprocess.Popen(["docker", "compose", "up", "--detach", "--wait"], cwd=ROOT)
    wait_for(is_predicting, "the first prediction")
    seconds = time.monotonic() - started
    require(up.wait() == 0, "`docker compose up --wait` failed")
    print(f"`up --wait` returned after {time.monotonic() - started:.1f} s")
    return seconds


def work() -> None:
    print("memory, idle:", memory())
    with client() as asking:
        sweep = asking.post("/v1/jobs", json=SWEEP, headers={"Prefer": "wait=30"})
        require(sweep.status_code == 200, f"the sweep was answered with {sweep.status_code}: {sweep.text}")
        training = submit(asking, kind="mnist_training", dataset=DATASET, epochs=1)
        wait_for(lambda: (job(asking, training)["progress"] or {"done": 0})["done"], "the training's first batches")
        with Load(at_least=1_000) as load:
            print("memory, predicting and training:", memory())
        ended = wait_for_end(asking, training, seconds=600)
    print(f"one epoch of {DATASET}: {ended['result']['test']['accuracy']:.4f} of the test set; meanwhile {load}")
    require(not load.failures, load.failures[0] if load.failures else "")


def lose_a_worker() -> None:
    with client() as asking:
        training = submit(asking, **LONG)
        wait_for(lambda: len(epochs(asking, training)) >= 3, "three epochs")
        started = time.monotonic()
        kill(containers("worker")[0])
        wait_for(lambda: job(asking, training)["attempt"] == 2, "another try of the killed worker's job")
        print(f"worker killed: its container is back and its job runs again after {time.monotonic() - started:.1f} s")
        compose("stop", "worker")  # SIGTERM: it saves a checkpoint and releases the job
        require(job(asking, training)["status"] == "queued", "a stopped worker's job is queued again")
        compose("start", "worker")
        ended = wait_for_end(asking, training, seconds=600)
        require(epochs(asking, training) == list(range(1, 121)), "each epoch was reported once, in order")
    print(f"worker killed, then stopped: attempt {ended['attempt']} ended the job, each epoch reported once")


def lose_the_api() -> None:
    started = time.monotonic()
    kill(containers("api")[0])
    time.sleep(0.5)
    wait_for(is_predicting, "a prediction after the API was killed")
    print(f"the only API killed: predictions again after {time.monotonic() - started:.1f} s")


def restart(service: str, *, at_least: int) -> None:
    with client() as asking:
        training = submit(asking, **LONG | {"epochs": 60})
        wait_for(lambda: epochs(asking, training), "an epoch")
        with Load(at_least=at_least) as load:
            kill(containers(service)[0])
            time.sleep(2)
            compose("restart", service)
        require(not load.failures, load.failures[0] if load.failures else "")
        ended = wait_for_end(asking, training)
        require(wait_for_end(asking, submit(asking, **SWEEP))["attempt"] == 1, "a sweep runs after that")
    print(f"{service} killed and restarted: {load}; the training ended at attempt {ended['attempt']}")


def scale_workers() -> None:
    compose("up", "--detach", "--wait", "--no-recreate", "--scale", "worker=3", "worker")
    with client() as asking:
        names = {one["name"].partition(":")[0] for one in asking.get("/v1/system").json()["workers"]}
        hosts = {docker("inspect", "--format", "{{.Config.Hostname}}", one) for one in containers("worker")}
        require(len(hosts) == 3 and hosts <= names, f"three containers {hosts} report themselves: {names}")
        jobs = [submit(asking, **LONG | {"epochs": 20}) for _ in range(3)]
        wait_for(lambda: all(job(asking, one)["status"] != "queued" for one in jobs), "three trainings at once")
        for one in jobs:
            wait_for_end(asking, one)
    compose("up", "--detach", "--wait", "--no-recreate", "--scale", "worker=1", "worker")
    print("worker=3: three containers work; and back to one")


def roll() -> None:
    before = containers("api")
    with Load(at_least=10_000) as load:
        time.sleep(2)
        subprocess.run([ROOT / "deploy/roll.sh"], cwd=ROOT, check=True, capture_output=True)
        subprocess.run([ROOT / "deploy/roll.sh"], cwd=ROOT, check=True, capture_output=True)
    require(not set(before) & set(containers("api")), "the API's containers are other ones now")
    require(not load.failures, f"{len(load.failures)} predictions failed: {load.failures[:3]}")
    print(f"rolled over twice under load: {load}")


def go_down_and_up() -> None:
    with client() as asking:
        before = everything(asking)
    compose("down")
    print(f"`up` with data and images to the first prediction: {seconds_to_predict():.1f} s")
    with client() as asking:
        require(everything(asking) == before, "down and up lost nothing")
        print(f"down and up: {len(before[0])} jobs and {len(before[1])} models are as they were")


def back_up_and_restore() -> None:
    with client() as asking:
        before = everything(asking)
    with TemporaryDirectory() as folder:
        run = {"cwd": ROOT, "check": True}
        subprocess.run([ROOT / "deploy/backup.sh", folder], **run)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        compose("down", "--volumes")
        subprocess.run([ROOT / "deploy/restore.sh", folder], **run)
    with client() as asking:
        wait_for(is_predicting, "a prediction after the restore")
        require(everything(asking) == before, "the restored stack has what was backed up")
        require(wait_for_end(asking, submit(asking, **SWEEP))["attempt"] == 1, "and works")
    print(f"backed up ({size / 1e6:.1f} MB), removed with all volumes, restored: jobs and models are as they were")


def everything(asking: httpx.Client) -> tuple[list[object], list[object]]:
    return tuple(asking.get(path).raise_for_status().json()["items"] for path in ("/v1/jobs?limit=100", "/v1/models"))


if __name__ == "__main__":
    main()
