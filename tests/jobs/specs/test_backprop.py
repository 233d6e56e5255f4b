from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from app.errors import InvalidInput
from app.jobs.specs.backprop import BackpropSweepSpec
from app.jobs.specs.network_fields import WORKBOOK_WEIGHTS


def sweep_spec(**fields: Any) -> BackpropSweepSpec:
    return BackpropSweepSpec.model_validate({"kind": "backprop_sweep", **fields})


def test_what_is_left_out_is_the_workbook() -> None:
    spec = sweep_spec()
    assert spec.weights == WORKBOOK_WEIGHTS
    assert spec.is_named
    assert spec.to_task().is_222
    assert spec.to_task().start.tolist() == list(WORKBOOK_WEIGHTS)


def test_a_stored_spec_is_read_back_as_it_was() -> None:
    for fields in ({}, {"layers": [3, 4, 1], "inputs": [[1, 2, 3]], "targets": [[0.5]]}, {"seed": 3}):
        spec = sweep_spec(**fields)
        again = BackpropSweepSpec.model_validate(spec.model_dump(mode="json"))
        assert again == spec
        np.testing.assert_array_equal(again.to_task().start, spec.to_task().start)


def test_weights_are_drawn_from_the_seed() -> None:
    starts = [sweep_spec(seed=seed).to_task().start.tolist() for seed in (1, 1, 2)]
    assert starts[0] == starts[1] != starts[2]


def test_matrices_and_biases_are_laid_out_layer_by_layer() -> None:
    spec = sweep_spec(
        layers=[2, 2, 1],
        inputs=[[1, 2], [3, 4]],
        targets=[[0.1], [0.2]],
        weights=[[[1, 2], [3, 4]], [[5, 6]]],
        biases=[[7, 8], [9]],
    )
    assert spec.to_task().start.tolist() == [1, 2, 3, 4, 7, 8, 5, 6, 9]
    assert not spec.is_named


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("weights", {"weights": [0.1] * 7}),
        ("weights", {"weights": [0.1] * 8, "layers": [2, 3, 2]}),
        ("weights", {"weights": [[[1, 2], [3]], [[1, 2], [3, 4]]]}),
        ("weights", {"weights": [float("nan")] * 8}),
        ("weight_points", {"weight_points": 1002}),
        ("weight_points", {"weight_points": 1001, "learning_rates": [0.1] * 13}),
        ("learning_rates", {"learning_rates": [-0.1]}),
        ("learning_rates", {"learning_rates": [0.0]}),
        ("learning_rates", {"learning_rates": [float("nan")]}),
        ("learning_rates", {"learning_rates": [float("inf")]}),
        ("learning_rates", {"learning_rates": []}),
        ("learning_rates", {"learning_rates": [0.1] * 10_001}),
        (
            "learning_rates",
            {"learning_rates": [0.1] * 100, "layers": [64] * 5, "inputs": [0] * 64, "targets": [0.5] * 64},
        ),
        ("targets", {"targets": [-0.1, 0.5]}),
        ("targets", {"targets": [0.5, 1.1]}),
        ("targets", {"targets": [-1.1, 0.5], "activation": "tanh"}),
        ("targets", {"targets": [0.5, 0.4], "loss": "cross_entropy"}),
        ("momentum", {"momentum": 1}),
        ("targets", {"targets": [[0.5, 0.5], [0.5, 0.5]]}),
        ("targets", {"targets": [0.5, 0.5, 0.5]}),
        ("inputs", {"inputs": [0.5]}),
        ("inputs", {"inputs": [[0.5, 0.5], [0.5]]}),
        ("epochs", {"epochs": 0}),
        ("epochs", {"epochs": 100_001}),
        ("layers", {"layers": [2]}),
        ("layers", {"layers": [2, 0, 2]}),
        ("layers", {"layers": [2, 65, 2]}),
        ("layers", {"layers": [2, 2, 2, 2, 2, 2]}),
        ("biases", {"biases": [[1, 2]]}),
        ("activation", {"activation": "gelu"}),
        ("max_points", {"max_points": 1}),
        ("stop", {"stop": {"patience": 0}}),
        ("target_loss", {"target_loss": 0}),
    ],
)
def test_bad_input_is_refused_by_the_name_of_its_field(field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        sweep_spec(**fields)
    assert {error["loc"][0] for error in refused.value.errors()} == {field}


def test_samples_of_another_width_are_told_how_many_numbers_they_need() -> None:
    with pytest.raises(ValidationError, match="each sample of `inputs` must have 1 number, as `layers` says"):
        sweep_spec(layers=[1, 2], inputs=[0.1, 0.2])
    with pytest.raises(ValidationError, match="each sample of `inputs` must have 2 numbers, as `layers` says"):
        sweep_spec(inputs=[0.1])


def test_constant_that_the_optimizer_does_not_know_is_refused() -> None:
    sweep_spec(momentum=0.9).require_sense()  # the default, as a stored spec has it
    sweep_spec(momentum=0.5, optimizer="momentum").require_sense()
    with pytest.raises(InvalidInput, match="momentum says nothing to the optimizer gradient_descent") as refused:
        sweep_spec(momentum=0.5).require_sense()
    assert refused.value.location == "body.momentum"


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"stop": {}}, "`stop` is empty"),
        ({"target_loss": 0.001, "stop": {"target_loss": 0.01}}, "A target_loss of 0.001 is not waited for"),
        ({"batch_size": 2}, "Each step takes all samples: 1, fewer than the batch_size of 2."),
    ],
)
def test_what_changes_nothing_is_noted(fields: dict[str, Any], note: str) -> None:
    [said] = sweep_spec(**fields).notes
    assert note in said
    assert not sweep_spec(target_loss=0.02, stop={"target_loss": 0.01, "patience": 3}, batch_size=1).notes


def test_steps_with_mini_batches_count_once_for_each_block_of_networks() -> None:
    fields = {"layers": [64, 1], "inputs": [[0.1] * 64] * 1000, "targets": [[0.5]] * 1000, "batch_size": 1}
    sweep_spec(**fields, learning_rates=[0.1], epochs=500).require_sense()
    sweep_spec(**fields | {"batch_size": None}, learning_rates=[0.1] * 2, epochs=500).require_sense()
    with pytest.raises(InvalidInput, match="1,000,000; at most 500,000") as refused:
        sweep_spec(**fields, learning_rates=[0.1] * 2, epochs=500).require_sense()
    assert refused.value.location == "body.batch_size"


def test_too_many_steps_are_refused_with_the_bound() -> None:
    assert sweep_spec(learning_rates=[0.1] * 10_000, epochs=5_000)
    with pytest.raises(ValidationError, match="50,010,000; at most 50,000,000") as refused:
        sweep_spec(learning_rates=[0.1] * 10_000, epochs=5_001)
    assert refused.value.errors()[0]["loc"] == ("epochs",)
