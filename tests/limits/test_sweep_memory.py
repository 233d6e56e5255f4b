"""What a worker holds while it runs the largest sweeps that a spec allows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from app.config import Settings
from app.jobs.specs import job_spec_adapter
from app.migrations.migrate import upgrade
from models.backprop.sweeps import landscape
from models.backprop.sweeps.landscape import hessian
from tests.limits.sweeps import rates, submit_and_run, sweep
from tests.models.backprop.sweeps.tasks import WORKBOOK, random_task

WIDE: dict[str, Any] = {"layers": [1, 64], "inputs": [[0.5]] * 1000, "targets": [[0.5] * 64] * 1000}


def wide(count: int) -> dict[str, Any]:
    """64 outputs of 1,000 samples for each learning rate, in 1 epoch."""
    return {"kind": "backprop_sweep", "seed": 1, "learning_rates": rates(count), "epochs": 1, **WIDE}


LARGE = {
    "2 wide": (wide(2), 300),  # 3.2 GB before, as the Hessians of any number up to 244
    "200 wide": (wide(200), 350),
}
LARGEST = {
    "50 wide": (wide(50), 400),
    "1,000 wide": (wide(1000), 700),
    "most outputs": (wide(1562), 900),
    "most points": (sweep(layers=[2, 2, 2], count=1, learning_rates=rates(10_000), epochs=4999), 900),
    "longest": (sweep(layers=[2, 2, 2], count=1, learning_rates=rates(500), epochs=99_999), 900),
    "most weights": (sweep(layers=[64] * 5, count=1000, learning_rates=rates(61), epochs=1), 500),
    "most activations": (sweep(layers=[8, 2, 2, 2, 2], count=1000, learning_rates=rates(10_000), epochs=1), 900),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path)
    upgrade(settings.resolved_database_url)
    return settings


@pytest.mark.parametrize(
    ("fields", "most_megabytes"),
    [
        *(pytest.param(*case, id=name) for name, case in LARGE.items()),
        *(pytest.param(*case, id=name, marks=pytest.mark.hostile) for name, case in LARGEST.items()),
    ],
)
def test_a_large_sweep_is_computed_in_bounded_memory(
    settings: Settings, fields: dict[str, Any], most_megabytes: float
) -> None:
    job, megabytes = submit_and_run(settings, fields)
    assert job.status == "succeeded", job.error
    assert megabytes < most_megabytes


def test_more_outputs_than_a_file_may_hold_are_refused_with_the_bound() -> None:
    assert job_spec_adapter.validate_python(wide(1562))
    with pytest.raises(ValidationError, match="outputs is 100,032,000; at most 100,000,000") as refused:
        job_spec_adapter.validate_python(wide(1563))
    assert refused.value.errors()[0]["loc"][-1] == "learning_rates"


@pytest.mark.parametrize("layers", [(2, 2, 2), (3, 4, 2)])
def test_the_hessian_does_not_depend_on_the_size_of_its_chunks(
    monkeypatch: pytest.MonkeyPatch, layers: tuple[int, ...]
) -> None:
    task = WORKBOOK if layers == (2, 2, 2) else random_task(layers, has_biases=True, samples=5)
    parameters = task.start + np.random.default_rng(0).normal(size=(7, len(task.start)))
    whole = hessian(parameters, task)
    monkeypatch.setattr(landscape, "MAX_WORKING_BYTES", 1)
    np.testing.assert_array_equal(hessian(parameters, task), whole)


def test_a_search_for_the_sharpness_that_would_take_minutes_is_left_out() -> None:
    task = random_task((1, 64), samples=1000)
    assert landscape.is_affordable(task, 50)
    assert not landscape.is_affordable(task, 100)
    assert landscape.is_affordable(WORKBOOK, 10_000)
