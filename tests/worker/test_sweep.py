import json
from typing import Any

import numpy as np
import pytest

from app.db import Sessions
from app.jobs import service
from app.jobs.events import event_data, read_events
from app.jobs.specs import BackpropSweepSpec
from app.storage import Storage
from models.backprop import network
from models.backprop.sweeps.curve_files import from_npz
from tests.models.backprop.test_network import GOLDEN
from tests.workers import run_job
from worker.runner import Finish, Run, WorkerStopping
from worker.sweep import sweep


def result_of(sessions: Sessions, storage: Storage, **fields: Any) -> dict[str, Any]:
    spec = BackpropSweepSpec.model_validate({"kind": "backprop_sweep", **fields})
    job, _ = service.submit(sessions, spec)
    run_job(sessions, job.id, lambda run: sweep(run, storage))
    ended = service.get(sessions, job.id)
    assert ended.status == "succeeded", ended.error
    assert ended.result is not None
    json.dumps(ended.result, allow_nan=False)
    return ended.result


def test_the_default_sweep_has_the_shape_of_the_contract(sessions: Sessions, storage: Storage) -> None:
    result = result_of(sessions, storage)
    assert [trial["learning_rate"] for trial in result["trials"]] == [0.1, 0.2, 0.5, 0.8, 1.0, 2.0]
    assert result["best"] == result["fastest"] == 2.0
    last = result["trials"][-1]
    assert last["loss"][:21] == pytest.approx([row["E_total"] for row in GOLDEN], rel=1e-12)
    assert len(last["loss"]) == len(last["gradient_norms"]) == 101
    assert list(last["final_weights"]) == [f"w{number}" for number in range(1, 9)]
    assert last["outcome"] == "converged"
    assert last["epochs_to"] == {"1e-3": 21, "1e-6": 73}
    assert last["stability_limit"]["start"] == pytest.approx(2 / last["sharpness"]["start"])
    assert result["critical_learning_rate"] == 67.2
    assert result["convergence"] == {"begins": 1.47, "ends": 63.1}
    assert result["curves"] is None


def test_the_weights_of_epochs_are_in_the_result(sessions: Sessions, storage: Storage) -> None:
    result = result_of(sessions, storage, learning_rates=[0.5, 2.0], weight_points=5, stop={"target_loss": 1e-3})
    assert result["weight_epochs"] == [0, 25, 50, 75, 100]
    for trial in result["trials"]:
        path = trial["weights"]
        assert path[0] == [0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55]
        assert path[-1] == list(trial["final_weights"].values())
        for epoch, weights in zip(result["weight_epochs"], path, strict=True):
            passed = network.forward(np.array(weights), (0.05, 0.10), (0.5, 0.5))
            assert passed.E_total == pytest.approx(trial["loss"][min(epoch, trial["epochs"])], rel=1e-12)
    assert "weights" not in result_of(sessions, storage)["trials"][0]


def test_trials_are_reported_as_events(sessions: Sessions, storage: Storage) -> None:
    job, _ = service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))
    run_job(sessions, job.id, lambda run: sweep(run, storage))
    events, is_complete = read_events(sessions, job.id)
    trials = [event.data for event in events if event.event == "trial"]
    assert is_complete
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [trial["learning_rate"] for trial in trials] == [0.1, 0.2, 0.5, 0.8, 1.0, 2.0]
    progress = service.get(sessions, job.id).progress
    assert progress == {"done": 600, "total": 600, "unit": "steps", "eta_seconds": 0.0}


def test_a_long_curve_is_downsampled_in_the_result_and_stored_whole(sessions: Sessions, storage: Storage) -> None:
    result = result_of(sessions, storage, learning_rates=[1.0, 90.0], epochs=400, max_points=30)
    whole = from_npz(storage.get(result["curves"]["artifact"], sha256=result["curves"]["sha256"]))
    assert whole["losses"].shape == (2, 401)
    for trial, curve in zip(result["trials"], whole["losses"], strict=True):
        kept = trial["loss_epochs"]
        assert len(kept) <= 30
        assert {0, 400, int(curve.argmin()), int(curve.argmax())} <= set(kept)
        assert trial["loss"] == curve[kept].tolist()


def test_overflow_is_an_outcome_and_null_in_json(sessions: Sessions, storage: Storage) -> None:
    result = result_of(
        sessions,
        storage,
        layers=[2, 3, 2],
        activation="relu",
        inputs=[[3, 2], [1, 4]],
        targets=[[5, 6], [7, 8]],
        learning_rates=[0.001, 1000.0],
        weights=[[[1, 1], [1, 1], [1, 1]], [[1, 1, 1], [1, -1, -1]]],
    )
    assert result["trials"][0]["outcome"] in ("descending", "oscillating")
    assert result["trials"][1]["outcome"] in ("diverged", "stalled")
    assert result["best"] == 0.001


def test_a_larger_network_gives_its_weights_by_matrix(sessions: Sessions, storage: Storage) -> None:
    result = result_of(
        sessions,
        storage,
        layers=[2, 3, 3, 1],
        biases=True,
        activation="tanh",
        inputs=[[0, 0], [0, 1], [1, 0], [1, 1]],
        targets=[[-0.5], [0.5], [0.5], [-0.5]],
        learning_rates=[0.5],
        epochs=50,
        stop={"target_loss": 0.1, "patience": 20},
    )
    trial = result["trials"][0]
    assert [np.shape(matrix) for matrix in trial["final_weights"]] == [(3, 2), (3, 3), (1, 3)]
    assert [len(biases) for biases in trial["final_biases"]] == [3, 3, 1]
    assert np.shape(trial["final_outputs"]) == (4, 1)
    assert len(trial["loss"]) == trial["epochs"] + 1
    assert set(trial["epochs_to"]) == {"1e-3", "1e-6", "target_loss"}


def test_saturated_sigmoids_are_stalled(sessions: Sessions, storage: Storage) -> None:
    result = result_of(sessions, storage, weights=[100.0] * 8, learning_rates=[1.0])
    assert result["trials"][0]["outcome"] == "stalled"
    assert result["trials"][0]["loss"][-1] > 0.1


def test_sweep_that_is_run_again_reports_no_trial_twice(sessions: Sessions, storage: Storage) -> None:
    rates = np.geomspace(0.1, 10, 5000).tolist()  # more than one block
    spec = BackpropSweepSpec.model_validate({"kind": "backprop_sweep", "learning_rates": rates, "epochs": 5})
    job, _ = service.submit(sessions, spec)

    def interrupted(run: Run) -> Finish:
        sweep(run, storage)
        raise WorkerStopping

    run_job(sessions, job.id, interrupted)
    run_job(sessions, job.id, lambda run: sweep(run, storage))
    assert service.get(sessions, job.id).status == "succeeded"
    assert [trial["learning_rate"] for trial in event_data(sessions, job.id, "trial")] == rates
