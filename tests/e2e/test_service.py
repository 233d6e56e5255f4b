"""The main road, on real parts: a prediction, a sweep, a training, and what happens when processes end."""

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.api.test_jobs import parse_events
from tests.e2e.conftest import Service, wait_for

SEVEN = Path(__file__).parents[2] / "docs" / "examples" / "seven.png"
LONG = {"kind": "mnist_training", "dataset": "optdigits", "epochs": 200}


def test_prediction_is_answered_with_the_shipped_model(service: Service) -> None:
    answer = service.client.post("/v1/predict", content=SEVEN.read_bytes(), headers={"Content-Type": "image/png"})
    assert answer.json()["digit"] == 7


def test_sweep_comes_back_in_one_request(service: Service) -> None:
    answer = service.client.post("/v1/jobs", json={"kind": "backprop_sweep"}, headers={"Prefer": "wait=20"})
    assert answer.status_code == 200
    assert answer.json()["result"]["best"] == 2.0


def test_training_streams_its_epochs_and_becomes_a_version_that_predicts(service: Service) -> None:
    job_id = service.submit(kind="mnist_training", dataset="optdigits", epochs=12)
    with service.client.stream("GET", f"/v1/jobs/{job_id}/events", timeout=120) as stream:
        events = parse_events(stream.read().decode())
    assert [event["id"] for event in events] == [str(number + 1) for number in range(len(events))]
    assert sum(event["event"] == "epoch" for event in events) == 12
    result = service.client.get(f"/v1/jobs/{job_id}").json()["result"]
    picture = {"content": SEVEN.read_bytes(), "headers": {"Content-Type": "image/png"}}
    answer = service.client.post("/v1/predict", params={"model": result["model_version"]}, **picture).json()
    assert answer["model"]["version"] == result["model_version"]


def test_search_runs_its_trials_on_the_workers_and_its_winner_becomes_a_version(service: Service) -> None:
    space = {"learning_rate": {"values": [0.001, 0.1]}, "batch_size": {"values": [64]}}
    base = {"dataset": "optdigits", "epochs": 2}
    job_id = service.submit(kind="training_search", sampler="grid", space=space, base=base)
    service.wait_for_status(job_id, "succeeded")
    result = service.client.get(f"/v1/jobs/{job_id}").json()["result"]
    trials = service.client.get(f"/v1/jobs/{job_id}/trials").json()
    assert sorted(trial["params"]["learning_rate"] for trial in trials["items"]) == [0.001, 0.1]
    assert all((trial["status"], trial["epochs"]) == ("succeeded", 2) for trial in trials["items"])
    assert result["best"]["params"] == {"learning_rate": 0.1, "batch_size": 64}
    assert trials["best"] == result["best"]["number"]
    version = service.client.get(f"/v1/models/{result['winner']['model_version']}").json()
    assert version["card"]["recipe"]["learning_rate"] == 0.1
    assert version["card"]["validation"]["accuracy"] == result["best"]["value"]


def test_command_line_reads_pictures_and_lists_jobs(service: Service) -> None:
    numeral = [sys.executable, "-m", "app.cli"]
    found = subprocess.run(
        [*numeral, "predict", SEVEN, "--url", service.url], capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(f"{SEVEN}: 7 ")
    refused = subprocess.run([*numeral, "predict", __file__, "--url", service.url], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "not a PNG" in refused.stderr
    listed = subprocess.run([*numeral, "jobs", "--url", service.url], capture_output=True, text=True, check=True)
    assert "backprop_sweep" in listed.stdout


def test_running_training_is_cancelled(service: Service) -> None:
    job_id = service.submit(**LONG)
    service.wait_for_status(job_id, "running")
    service.client.post(f"/v1/jobs/{job_id}/cancel")
    service.wait_for_status(job_id, "cancelled", seconds=10)


def test_killed_worker_is_replaced_and_its_job_goes_on(service: Service) -> None:
    job_id = service.submit(kind="mnist_training", dataset="optdigits", epochs=15)
    events = f"/v1/jobs/{job_id}/events"
    accept = {"Accept": "application/json"}
    wait_for(lambda: '"epoch"' in service.client.get(events, headers=accept).text, seconds=60)
    for process in service.processes("celery", "training"):
        os.kill(process, signal.SIGKILL)
    assert service.wait_for_status(job_id, "succeeded", "failed")["attempt"] == 2
    epochs = [
        e["data"]["epoch"] for e in service.client.get(events, headers=accept).json()["items"] if e["event"] == "epoch"
    ]
    assert epochs == list(range(1, 16))


def test_submit_is_quick_while_the_broker_hangs_and_the_job_runs_afterwards(service: Service) -> None:
    (valkey,) = service.processes("valkey-server")
    os.kill(valkey, signal.SIGSTOP)
    seconds, ids = [], []
    try:
        for _ in range(20):
            start = time.perf_counter()
            ids.append(service.submit(kind="backprop_sweep", epochs=1))
            seconds.append(time.perf_counter() - start)
    finally:
        os.kill(valkey, signal.SIGCONT)
    assert statistics.median(seconds) < 0.5  # the broker's own timeout is 2 s
    for job_id in ids:
        service.wait_for_status(job_id, "succeeded", seconds=60)


def test_stop_leaves_no_process_and_a_second_start_goes_on_with_the_same_data(tmp_path: Path) -> None:
    first = Service(tmp_path / "data")
    job_id = first.submit(**LONG)
    wait_for(lambda: first.client.get(f"/v1/jobs/{job_id}").json()["progress"], seconds=60)
    assert len(first.processes()) >= 6
    start = time.monotonic()
    first.stop()
    assert time.monotonic() - start < 15
    assert first.processes() == []
    second = Service(tmp_path / "data")
    try:
        job = second.wait_for_status(job_id, "running", seconds=60)
        assert job["attempt"] == 2
        logs = wait_for(
            lambda: [
                event["data"]["message"]
                for event in second.client.get(
                    f"/v1/jobs/{job_id}/events", headers={"Accept": "application/json"}
                ).json()["items"]
                if event["event"] == "log"
            ],
            seconds=60,
        )
        assert logs[0].startswith("Resumed at batch ")
    finally:
        second.stop()
