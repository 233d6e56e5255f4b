"""How large the document of a job may be, and what its readers keep others from."""

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest

from app.config import Settings
from app.db import Sessions
from app.jobs import queries, runs, service
from app.jobs.specs import job_spec_adapter
from app.storage import Storage
from models.backprop.sweeps import result_size
from tests.limits.sweeps import rates, sweep
from tests.raw import ApiProcess
from tests.worker.test_sweep import result_of
from tests.workers import claim

MAX_DOCUMENT_BYTES = result_size.MAX_RESULT_BYTES + 4_200_000  # the spec's 150,000 numbers and its brackets
LIVEZ_SECONDS = 0.1


def store_largest_job(sessions: Sessions) -> str:
    """A job with a spec of 2.6 MB, and a result as large as it may be. Returns its id."""
    spec = job_spec_adapter.validate_python(sweep(layers=[64, 64], count=1000, learning_rates=[1.0], epochs=1))
    job, _ = service.submit(sessions, spec)
    trial = {"learning_rate": 0.1, "loss": np.random.default_rng(0).random(10).tolist(), "final_outputs": []}
    trial["final_outputs"] = np.random.default_rng(1).random(47).tolist()
    runs.succeed(sessions, claim(sessions, job.id), lambda _: {"trials": [trial] * 10_000, "curves": None})
    return job.id


@pytest.fixture
def service_process(tmp_path: Path) -> Iterator[ApiProcess]:
    process = ApiProcess(tmp_path / "data")
    yield process
    process.stop()


def test_final_networks_that_make_the_document_too_large_stand_in_the_file(
    sessions: Sessions, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = sweep(layers=[3, 4, 2], count=30, biases=True, learning_rates=rates(5), epochs=3)
    fields.pop("kind")
    whole = result_of(sessions, storage, **fields)
    assert (whole["truncated"], whole["left_out"], whole["whole"], whole["curves"]) == (False, [], None, None)
    for room, left_out in ((9_000, ["final_outputs"]), (3_500, ["final_weights", "final_outputs"])):
        monkeypatch.setattr(result_size, "MAX_RESULT_BYTES", room)
        result = result_of(sessions, storage, **fields)
        assert len(orjson.dumps(result["trials"])) <= room
        assert result["truncated"]
        assert result["left_out"] == left_out
        assert result["whole"].endswith("/curves.npz")
        stored = storage.get(result["curves"]["artifact"], sha256=result["curves"]["sha256"])
        arrays = np.load(io.BytesIO(stored))
        assert arrays["outputs"].shape == (5, 30, 2)
        assert arrays["parameters"].shape == (5, 26)
        for number, trial in enumerate(result["trials"]):
            assert arrays["outputs"][number].tolist() == whole["trials"][number]["final_outputs"]
            assert all(trial[field] is None for field in left_out)
            for field in {"final_weights", "final_biases"} if "final_weights" not in left_out else set():
                assert trial[field] == whole["trials"][number][field]


def test_the_bound_holds_for_the_longest_numbers() -> None:
    number = -2.2250738585072014e-308
    trial = {
        "learning_rate": number, "loss": [], "loss_epochs": [], "gradient_norms": [], "final_weights": None,
        "final_outputs": None, "final_biases": None, "outcome": "oscillating", "epochs": 100_000,
        "epochs_to": {"1e-3": 100_000, "1e-6": 100_000, "target_loss": 100_000},
        "sharpness": {"start": number, "end": number}, "stability_limit": {"start": number, "end": number},
    }  # fmt: skip
    assert len(orjson.dumps(trial)) < result_size.TRIAL_BYTES
    assert len(orjson.dumps([number, 1.234567e-100, 100_000])) <= result_size.POINT_BYTES + 2
    assert len(orjson.dumps({"w1": number})) <= result_size.NUMBER_BYTES + 1
    assert len(orjson.dumps([[number]])) <= result_size.NUMBER_BYTES + 1


def test_a_result_of_10000_rates_of_the_workbook_is_whole() -> None:
    spec = job_spec_adapter.validate_python({"kind": "backprop_sweep", "learning_rates": rates(10_000), "epochs": 5000})
    assert spec.kind == "backprop_sweep"
    assert spec.result_size.left_out == []


def test_the_largest_document_is_bounded_and_holds_up_nobody(service_process: ApiProcess, tmp_path: Path) -> None:
    sessions = Sessions(Settings(data_dir=tmp_path / "data").resolved_database_url)
    job_id = store_largest_job(sessions)
    sessions.close()
    before, sizes, seconds = service_process.resident_megabytes, [], []

    def read() -> None:
        sizes.append(len(service_process.client.get(f"/v1/jobs/{job_id}").content))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        started = time.perf_counter()
        assert service_process.client.get("/livez").is_success
        seconds.append(time.perf_counter() - started)
    assert 12_000_000 < max(sizes) <= MAX_DOCUMENT_BYTES
    print(f"{max(sizes) / 1e6:.1f} MB; /livez: {len(seconds)}, most {max(seconds) * 1000:.0f} ms")
    assert max(seconds) < 4 * LIVEZ_SECONDS
    assert service_process.resident_megabytes < before + 250


def test_a_page_of_jobs_with_large_specs_ends_early(sessions: Sessions) -> None:
    spec = job_spec_adapter.validate_python(sweep(layers=[64, 64], count=1000, learning_rates=[1.0], epochs=1))
    ids = [service.submit(sessions, spec)[0].id for _ in range(6)]
    found, before = [], None
    while True:
        page = queries.list_(sessions, before=before, limit=100)
        assert sum(len(orjson.dumps(job.spec)) for job in page.jobs) <= queries.MAX_PAGE_BYTES
        found += [job.id for job in page.jobs]
        if not page.has_more:
            break
        before = page.jobs[-1].id
    assert found == ids[::-1]
