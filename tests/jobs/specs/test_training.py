from dataclasses import asdict, fields
from typing import Any

import pytest
from pydantic import ValidationError

from app.errors import InvalidInput
from app.jobs.specs import MnistTrainingSpec, job_spec_adapter
from app.jobs.specs.recipe_fields import RecipeFields
from app.jobs.specs.training import TRAINING_PICTURES
from models.recipes import OPTIMIZERS, RECIPES, SCHEDULES, Recipe
from models.training.data import Dataset


def training_spec(**given: Any) -> MnistTrainingSpec:
    return MnistTrainingSpec.model_validate({"kind": "mnist_training", **given})


@pytest.mark.parametrize("name", list(RECIPES))
def test_named_recipe_fills_in_all_of_its_fields(name: str) -> None:
    assert training_spec(recipe=name).to_recipe() == RECIPES[name]


def test_defaults_that_are_shown_are_those_of_fast() -> None:
    shown = {name: field.default for name, field in RecipeFields.model_fields.items() if name != "recipe"}
    assert shown == asdict(RECIPES["fast"])


def test_every_field_of_the_recipe_can_be_asked_for() -> None:
    asked = {
        "epochs": 3, "batch_size": 32, "learning_rate": 0.003, "optimizer": "adamw", "momentum": 0.8, "nesterov": True,
        "weight_decay": 0.02, "schedule": "cosine", "warmup": 0.1, "dropout": 0.1, "label_smoothing": 0.1,
        "rotation": 5.0, "scale": 0.05, "shift": 1.0, "slant": 0.2, "aspect": 0.1, "warp": 1.0, "stroke": 0.5,
        "blur": 0.3, "fading": 0.4, "noise": 0.1, "squeeze": 0.2, "coarse": 0.3, "cooldown": 0.5,
        "synthetic_per_128": 4, "outliers_per_128": 5, "distillation_weight": 0.6, "average_decay": None,
        "precision": "bfloat16",
    }  # fmt: skip
    assert set(asked) == {field.name for field in fields(Recipe)}
    assert training_spec(**asked).to_recipe() == Recipe(**asked)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0), ("epochs", 201), ("epochs", 1.5), ("epochs", True), ("batch_size", 7), ("batch_size", 4097),
        ("learning_rate", 0), ("learning_rate", 10.1), ("learning_rate", float("nan")), ("optimizer", "muon"),
        ("momentum", 1), ("momentum", -0.1), ("nesterov", 1), ("weight_decay", 1.1), ("schedule", "step"),
        ("warmup", 0.91), ("dropout", 0.91), ("label_smoothing", 0.91), ("rotation", 181), ("scale", 0.91),
        ("shift", 14.1), ("slant", 1.1), ("aspect", 0.91), ("warp", 7.1), ("stroke", 1.1), ("blur", 1.1),
        ("fading", 1.1), ("noise", 1.1), ("squeeze", 1.1), ("coarse", -0.1), ("cooldown", 1.1),
        ("synthetic_per_128", 65), ("outliers_per_128", -1), ("distillation_weight", 1.1), ("average_decay", 1),
        ("name", ""), ("name", "x" * 101), ("name", "a\nb"), ("tags", ["x" * 41]), ("tags", ["x"] * 21), ("tags", "x"),
    ],
)  # fmt: skip
def test_value_out_of_bounds_is_refused_at_its_field(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        training_spec(**{"learning_rate": 0.1, field: value})
    assert {error["loc"][0] for error in refused.value.errors()} == {field}


def test_choices_of_the_spec_are_those_of_the_recipe() -> None:
    properties = RecipeFields.model_json_schema()["properties"]
    assert properties["optimizer"]["enum"] == list(OPTIMIZERS)
    assert properties["schedule"]["enum"] == list(SCHEDULES)
    assert properties["recipe"]["enum"] == ["quick", "fast", "robust", "reference"]
    assert set(properties["recipe"]["enum"]) == set(RECIPES)


def test_another_optimizer_needs_a_learning_rate_of_its_own() -> None:
    with pytest.raises(ValidationError, match=r"0\.002 is a good first one for adamw"):
        training_spec(optimizer="adamw")
    assert training_spec(optimizer="adamw", learning_rate=0.002).learning_rate == 0.002
    assert training_spec(optimizer="sgd").learning_rate == RECIPES["fast"].learning_rate


def test_nesterov_without_momentum_is_refused() -> None:
    with pytest.raises(ValidationError, match="nesterov needs a momentum"):
        training_spec(momentum=0)
    assert not training_spec(momentum=0, nesterov=False).to_recipe().nesterov


def test_unknown_fields_suggest_the_nearest_name() -> None:
    for unknown, nearest in (("weight_decy", "weight_decay"), ("Learning_Rate", "learning_rate"), ("tag", "tags")):
        with pytest.raises(ValidationError) as refused:
            training_spec(**{unknown: 1})
        (error,) = refused.value.errors()
        assert error["loc"] == (unknown,)
        assert error["msg"] == f"there is no such field; do you mean '{nearest}'?"
    with pytest.raises(ValidationError, match="there is no such field; there are dataset, device"):
        training_spec(zzzzzz=1)


def test_stored_spec_is_read_back_as_it_was() -> None:
    for given in (
        {},
        {"recipe": "robust", "dropout": 0.2, "tags": ["a"]},
        {"optimizer": "adamw", "learning_rate": 0.1},
    ):
        spec = training_spec(**given)
        assert job_spec_adapter.validate_python(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize("name", list(RECIPES))
def test_stored_spec_of_an_older_program_still_means_its_recipe(name: str) -> None:
    old = {
        "kind": "mnist_training", "recipe": name, "epochs": 7, "batch_size": 64, "learning_rate": 0.05, "seed": 1,
        "device": "auto", "dataset": "mnist", "priority": 5, "time_limit_seconds": 86400,
    }  # fmt: skip
    expected = asdict(RECIPES[name]) | {"epochs": 7, "batch_size": 64, "learning_rate": 0.05}
    assert asdict(MnistTrainingSpec.model_validate(old).to_recipe()) == expected


@pytest.mark.parametrize(
    ("field", "idle", "useful"),
    [
        ("distillation_weight", {"distillation_weight": 0.5, "dataset": "optdigits"}, {"recipe": "robust"}),
        ("nesterov", {"nesterov": True, "optimizer": "adamw", "learning_rate": 0.002}, {"nesterov": False}),
        ("warmup", {"warmup": 0.1, "schedule": "constant"}, {"schedule": "cosine"}),
    ],
)
def test_a_field_that_was_named_and_does_nothing_is_refused(
    field: str, idle: dict[str, Any], useful: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput, match=f"{field} has no effect") as refused:
        training_spec(**idle).require_effect()
    assert refused.value.location == f"body.{field}"
    for fine in (
        idle | {"dataset": "mnist"} | useful,
        {name: value for name, value in idle.items() if name != field} | useful,  # the recipe's own
        training_spec(**idle).model_dump(),  # as it was stored by an older program
    ):
        training_spec(**fine).require_effect()


def test_batch_that_is_larger_than_the_data_makes_no_sense(optdigits: Dataset, mnist: Dataset) -> None:
    assert {each.name: len(each.train) for each in (mnist, optdigits)}.items() <= TRAINING_PICTURES.items()
    with pytest.raises(InvalidInput, match="larger than the 1,197 training pictures of optdigits"):
        training_spec(dataset="optdigits", batch_size=1198).require_sense()
    training_spec(dataset="optdigits", batch_size=1197).require_sense()
    training_spec(dataset="mnist", batch_size=1198).require_sense()
