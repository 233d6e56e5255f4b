import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.config import Settings
from app.db import Sessions
from app.jobs import dispatcher, runs
from app.jobs.gauges import GaugeCache, read_gauges
from app.metrics.metrics import JOBS, QUEUE_DEPTH, TRAINING, TRAINING_EPOCHS, WORKERS
from tests.api_keys import PIXELS, prepare
from tests.conftest import free_port, serve
from tests.fakes import RecordedNotifier
from tests.workers import claim

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
DASHBOARD = MONITORING / "grafana" / "dashboards" / "numeral.json"

Found = dict[str, list[tuple[dict[str, str], float]]]


def scrape(client: httpx.Client) -> Found:
    """What Prometheus' own reader makes of the answer."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found: Found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def total(found: Found, name: str, **labels: str) -> float:
    return sum(value for have, value in found.get(name, []) if have.items() >= labels.items())


def test_requests_and_predictions_are_counted_exactly(tmp_path: Path) -> None:
    settings, sessions = prepare(tmp_path)
    image = np.zeros((1, 1, 28, 28), np.float32)
    tensor = {
        "name": "image",
        "datatype": "FP32",
        "shape": [2, 1, 28, 28],
        "data": np.repeat(image, 2, 0).ravel().tolist(),
    }
    with serve(settings, RecordedNotifier()) as client:
        for _ in range(3):
            client.post("/v1/predict", json=PIXELS)
        client.post("/v1/predict/batch", json={"items": [PIXELS] * 40})
        client.post("/v2/models/digits/infer", json={"inputs": [tensor]})
        client.post("/v1/predict", json={})
        client.get("/v1/models/1?limit=1")
        client.get("/nowhere/at/all")
        client.request("PROPFIND", "/v1/predict")
        found = scrape(client)
    count = "numeral_http_requests_total"
    assert total(found, count, method="POST", route="/v1/predict", status="200") == 3
    assert total(found, count, method="POST", route="/v1/predict", status="422") == 1
    assert total(found, count, method="GET", route="/v1/models/{version}", status="200") == 1
    assert total(found, count, route="(none)", status="404") == 1
    assert total(found, count, method="OTHER") == 1
    assert total(found, "numeral_http_request_seconds_count", route="/v1/predict", method="POST") == 4
    assert total(found, "numeral_predictions_total", accepted="false", model_version="1") == 43
    assert total(found, "numeral_predictions_total", accepted="not_judged") == 2
    assert total(found, "numeral_prediction_confidence_count") == 45
    assert total(found, "numeral_prediction_ink_bucket", le="0.0769") == 45
    assert total(found, "numeral_queue_wait_seconds_count") == 3 + 3 + 1  # 40 pictures are three batches
    assert total(found, "numeral_batch_size_sum") == 45
    assert total(found, "numeral_build_info") == total(found, "numeral_database_up") == 1
    sessions.close()


def test_scrape_without_the_database_gives_what_was_counted_and_says_so(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, port=free_port(), database_url="postgresql://nobody@127.0.0.1:9/none", insecure=True
    )
    with serve(settings, RecordedNotifier()) as client:
        found = scrape(client)
    assert found["numeral_database_up"] == [({}, 0)]
    assert "numeral_jobs" not in found


def test_jobs_queues_workers_and_trainings_are_told_from_the_database(sessions: Sessions) -> None:
    from app.jobs import service
    from app.jobs.specs import BackpropSweepSpec, MnistTrainingSpec

    service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))
    runs.report_alive(sessions, "one:1", device="cpu", version="0")
    job, _ = service.submit(sessions, MnistTrainingSpec(kind="mnist_training", dataset="optdigits", device="cpu"))
    claimed = claim(sessions, job.id)
    for epoch in (1, 2):
        runs.report(sessions, claimed, "epoch", {"epoch": epoch, "train_loss": 1 / epoch, "images_per_second": 100.0})
    found = read_gauges(sessions)
    assert found[JOBS]["backprop_sweep", "queued"] == 1
    assert found[QUEUE_DEPTH]["sweeps",] == 1
    assert found[WORKERS] == {("cpu",): 1}
    assert found[TRAINING_EPOCHS] == {(): 2}
    assert found[TRAINING["train_loss"]] == {(job.id,): 0.5}
    assert found[TRAINING["validation_accuracy"]] == {}


def test_database_is_asked_once_however_many_scrape(sessions: Sessions) -> None:
    cache = GaugeCache(sessions)
    assert cache.get() is cache.get() is not None


def test_a_lost_worker_is_counted_with_the_reason(sessions: Sessions) -> None:
    from app.jobs import service
    from app.jobs.specs import BackpropSweepSpec

    job, _ = service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))
    claim(sessions, job.id, lease_seconds=-1)
    reasons: list[str] = []
    dispatcher.reclaim(sessions, stall_seconds=60, on_lost=reasons.append)
    assert reasons == ["worker_lost"]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every family that /metrics can name."""
    settings, sessions = prepare(tmp_path_factory.mktemp("names"))
    sessions.close()
    with serve(settings, RecordedNotifier()) as client:
        return set(re.findall(r"^# TYPE (\S+)", client.get("/metrics").text, re.M))


def test_dashboard_and_alerts_name_only_metrics_that_there_are(names: set[str]) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    text = "\n".join(asked) + (MONITORING / "alerts.yml").read_text()
    used = {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"\bnumeral_\w+", text)}
    assert used <= names
    assert len(used) > 20


def test_every_alert_is_explained_in_the_docs() -> None:
    page = (MONITORING.parents[1] / "docs" / "monitoring.md").read_text()
    alerts = re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text())
    assert [name for name in alerts if f"**{name}**" not in page] == []


def promtool(*arguments: str, text: str | None = None) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not here; Debian's package prometheus has it")
    found = subprocess.run(
        [program, *arguments], cwd=MONITORING, input=text, capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml"), ("check", "config", "prometheus.yml")],
)
def test_promtool_accepts_the_rules_and_they_fire_when_they_should(arguments: tuple[str, ...]) -> None:
    promtool(*arguments)


def test_promtool_accepts_the_metrics(tmp_path: Path) -> None:
    settings, sessions = prepare(tmp_path)
    sessions.close()
    with serve(settings, RecordedNotifier()) as client:
        client.post("/v1/predict", json=PIXELS)
        text = client.get("/metrics").text
    promtool("check", "metrics", text=text)
