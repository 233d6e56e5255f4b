from typing import Any

import pytest
from pydantic import ValidationError

from app.errors import InvalidInput
from app.jobs.specs import MnistTrainingSpec, TrainingSearchSpec
from app.jobs.specs.search import SEARCHABLE
from app.jobs.specs.training import MODEL_BYTES

RATES = {"low": 0.01, "high": 0.5, "log": True}
SIZES = {"values": [32, 64, 128]}


def make(**fields: Any) -> TrainingSearchSpec:
    return TrainingSearchSpec.model_validate(
        {"kind": "training_search", "space": {"learning_rate": RATES, "batch_size": SIZES}} | fields
    )


def refusal(**fields: Any) -> tuple[tuple[str | int, ...], str]:
    """The location and the message of the only error of these fields."""
    with pytest.raises(ValidationError) as refused:
        make(**fields)
    (error,) = refused.value.errors()
    return error["loc"], error["msg"]


def test_space_may_name_the_recipe_and_its_numbers_but_not_what_all_trials_share() -> None:
    assert {"recipe", "epochs", "batch_size", "learning_rate"} <= set(SEARCHABLE)
    shared = {"kind", "seed", "device", "dataset", "mix", "start_from", "priority", "time_limit_seconds"}
    assert not set(SEARCHABLE) & shared


def test_numbers_of_the_space_become_those_of_the_field() -> None:
    spec = make(space={"batch_size": {"low": 16.0, "high": 64}, "epochs": {"values": [2.0, 3]}})
    space = spec.model_dump()["space"]
    assert space == {"batch_size": {"low": 16, "high": 64, "log": False}, "epochs": {"values": [2, 3]}}
    assert all(isinstance(value, int) for value in (*space["epochs"]["values"], space["batch_size"]["low"]))


def test_stored_spec_is_read_as_the_same_one() -> None:
    spec = make(base={"epochs": 3, "dataset": "optdigits"}, trials=7)
    assert TrainingSearchSpec.model_validate(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize(
    ("space", "name", "message"),
    [
        ({"learning_rte": RATES}, "learning_rte", "do you mean 'learning_rate'?"),
        ({"zzz": RATES}, "zzz", "there are recipe and those of a recipe: GET /v1/recipes lists them"),
        ({"dataset": {"values": ["mnist"]}}, "dataset", "give it in `base`"),
        ({"learning_rate": {"low": 0.5, "high": 0.01}}, "learning_rate", "0.5 is not below 0.01"),
        ({"learning_rate": {"low": 0.1, "high": 0.1}}, "learning_rate", "low must be below high"),
        (
            {"learning_rate": {"low": 0.1, "high": 11}},
            "learning_rate",
            "it must be at most 10, not 11",
        ),
        ({"epochs": {"low": 1.5, "high": 3}}, "epochs", "a whole number is expected, not 1.5"),
        ({"epochs": {"low": -1, "high": 3, "log": True}}, "epochs", "log needs a low above 0"),
        ({"recipe": {"low": 1, "high": 3}}, "recipe", 'give {"values": [...]}'),
        ({"recipe": {"values": ["fast", "slow"]}}, "recipe", 'it cannot be "slow"; it can be quick, fast, robust'),
        ({"batch_size": {"values": [32, 64, 32.0]}}, "batch_size", "a value stands there twice"),
    ],
)
def test_bad_dimension_is_refused_where_it_stands(space: dict[str, Any], name: str, message: str) -> None:
    location, found = refusal(space=space)
    assert location == ("space", name)
    assert message in found


@pytest.mark.parametrize(
    "space",
    [
        {},
        {"batch_size": {"values": []}},
        {"batch_size": {"values": list(range(8, 59))}},
        {name: {"values": [1]} for name in "abcdefghijklm"},
        {"batch_size": {"low": 1}},
        {"batch_size": {"values": [[32]]}},
        {"learning_rate": {"low": 0.1, "high": float("nan")}},
    ],
)
def test_empty_and_misshapen_spaces_are_refused(space: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make(space=space)


def test_field_cannot_stand_in_the_base_and_in_the_space() -> None:
    location, message = refusal(base={"batch_size": 64})
    assert location == ("space", "batch_size")
    assert "`base`" in message


def test_base_is_held_to_the_fields_of_a_training() -> None:
    location, message = refusal(base={"epochs": 0})
    assert location == ("base", "epochs")
    assert "greater than or equal to 1" in message


def test_what_the_base_lacks_may_come_from_the_space() -> None:
    spec = make(base={"optimizer": "adamw"}, space={"learning_rate": RATES})
    assert spec.training({"learning_rate": 0.02}).optimizer == "adamw"
    assert spec.trial_bytes > 0
    with pytest.raises(ValidationError, match="needs a learning_rate"):
        make(base={"optimizer": "adamw"}, space={"batch_size": SIZES})


def test_every_value_is_checked_also_where_fields_depend_on_each_other() -> None:
    place, message = refusal(space={"optimizer": {"values": ["sgd", "foo", "adamw"]}, "learning_rate": RATES})
    assert place == ("space", "optimizer")
    assert "foo" in message


def test_grid_has_as_many_trials_as_points_or_fewer() -> None:
    space = {"recipe": {"values": ["fast", "reference"]}, "batch_size": SIZES}
    assert make(sampler="grid", space=space).trials == 6
    assert make(sampler="grid", space=space, trials=4).trials == 4
    assert "only 6 points" in refusal(sampler="grid", space=space, trials=7)[1]
    assert "also for learning_rate" in refusal(sampler="grid")[1]
    wide = {"batch_size": {"values": list(range(8, 28))}, "epochs": {"values": list(range(1, 12))}}
    assert "the grid has 220 points; at most 200" in refusal(sampler="grid", space=wide)[1]


@pytest.mark.parametrize(
    "fields", [{"trials": 0}, {"trials": 201}, {"parallel": 0}, {"parallel": 17}, {"sampler": "x"}]
)
def test_bounds(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make(**fields)


def test_recipe_of_the_space_fills_in_what_neither_base_nor_space_says() -> None:
    spec = make(base={"epochs": 3}, space={"recipe": {"values": ["fast", "reference"]}}, priority=7)
    training = spec.training({"recipe": "reference"})
    assert training == MnistTrainingSpec(
        kind="mnist_training", recipe="reference", epochs=3, batch_size=128, learning_rate=0.01, priority=7
    )


def test_search_expects_the_space_of_its_trials() -> None:
    longest = make(space={"epochs": {"low": 2, "high": 9}}, trials=5)
    trial = MnistTrainingSpec(kind="mnist_training", epochs=9)
    assert longest.stored_bytes == 5 * trial.checkpoint_bytes + MODEL_BYTES  # the winner alone leaves a model
    inside = make(space={"epochs": {"values": [2, 9, 4]}}, trials=5)
    assert inside.stored_bytes == longest.stored_bytes
    by_recipe = make(space={"recipe": {"values": ["robust", "fast"]}}, trials=1)
    assert by_recipe.stored_bytes == MnistTrainingSpec(kind="mnist_training", recipe="robust").stored_bytes


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"space": {"batch_size": {"values": [64, 4096, 128]}}}, "body.space.batch_size"),
        ({"space": {"batch_size": {"low": 64, "high": 4096}}}, "body.space.batch_size"),
        (
            {"space": {"learning_rate": RATES}, "base": {"dataset": "optdigits", "batch_size": 4096}},
            "body.base.batch_size",
        ),
    ],
)
def test_no_batch_of_a_search_is_larger_than_its_data_set(fields: dict[str, Any], place: str) -> None:
    spec = make(**({"base": {"dataset": "optdigits"}} | fields))
    with pytest.raises(InvalidInput, match="A batch of 4,096 is larger than the 1,197") as refused:
        spec.require_sense()
    assert refused.value.location == place
    make(**(fields | {"base": spec.base | {"mix": 0.5}})).require_sense()


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"space": {"learning_rate": RATES}, "base": {"warmup": 0.3, "schedule": "constant"}}, "body.base.warmup"),
        (
            {"space": {"distillation_weight": {"low": 0.1, "high": 0.9}}, "base": {"dataset": "optdigits"}},
            "body.space.distillation_weight",
        ),
    ],
)
def test_a_field_that_does_nothing_in_any_trial_is_refused(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInput, match="has no effect") as refused:
        make(**fields).require_effect()
    assert refused.value.location == place
    make(space={"warmup": {"values": [0.1, 0.3]}, "schedule": {"values": ["constant", "cosine"]}}).require_effect()
