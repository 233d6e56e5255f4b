from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core._pydantic_core import list_all_errors

from app.jobs.specs import job_spec_adapter
from app.validation_messages import describe, describe_all

KINDS = "backprop_sweep, mnist_training, reproduction, training_search"


def findings(adapter: TypeAdapter[Any], document: Any) -> dict[str, str]:
    """The messages by their places in the document."""
    with pytest.raises(ValidationError) as refused:
        adapter.validate_python(document)
    details = [{**detail, "loc": ("body", *detail["loc"])} for detail in refused.value.errors()]
    return {".".join(finding.location): finding.message for finding in describe_all(details, document)}


@pytest.mark.parametrize(
    ("spec", "place", "message"),
    [
        ({"kind": "mnist_trainin"}, "body.kind", "it cannot be \"mnist_trainin\"; do you mean 'mnist_training'?"),
        ({"kind": "sweep"}, "body.kind", "it cannot be \"sweep\"; do you mean 'backprop_sweep'?"),
        ({"kind": "search"}, "body.kind", "it cannot be \"search\"; do you mean 'training_search'?"),
        ({"kind": None}, "body.kind", f"it cannot be null; it can be {KINDS}"),
        ({"kind": {"a": 1}}, "body.kind", f"it cannot be an object; it can be {KINDS}"),
        ({"kind": ["backprop_sweep"]}, "body.kind", f"it cannot be a list; it can be {KINDS}"),
        ({}, "body.kind", f"it is missing; there are {KINDS}"),
        ({"Kind": "backprop_sweep", "epochs": 3}, "body.Kind", "there is no such field; do you mean 'kind'?"),
        ({"kind": "mnist_training", "lr": 1}, "body.lr", "there is no such field; do you mean 'learning_rate'?"),
        ({"kind": "backprop_sweep", "lr": 1}, "body.lr", "there is no such field; do you mean 'learning_rates'?"),
        ({"kind": "mnist_training", "steps": 3}, "body.steps", "there is no such field; there are dataset, device, "
         "kind, mix, name, priority, recipe, seed, start_from, tags, time_limit_seconds and those of a recipe: "
         "GET /v1/recipes lists them"),
        ({"kind": "backprop_sweep", "epoch": 3}, "body.epoch", "there is no such field; do you mean 'epochs'?"),
        ({"kind": "backprop_sweep", "epochs": "3"}, "body.epochs", "a whole number is expected, not \"3\""),
        ({"kind": "backprop_sweep", "epochs": 0}, "body.epochs", "it must be at least 1, not 0"),
        ({"kind": "backprop_sweep", "inputs": [0.1, "x"]}, "body.inputs.1", "a number is expected, not \"x\""),
        ({"kind": "backprop_sweep", "inputs": [[0.1, None]], "targets": [[1, 1]]}, "body.inputs.0.1",
         "a number is expected, not null"),
        ({"kind": "backprop_sweep", "biases": "yes"}, "body.biases",
         "true or false is expected, or a list is expected, not \"yes\""),
        ({"kind": "backprop_sweep", "activation": "relo"}, "body.activation",
         "it cannot be \"relo\"; do you mean 'relu'?"),
        ({"kind": "backprop_sweep", "learning_rates": []}, "body.learning_rates",
         "it must not be empty"),
        ({"kind": "backprop_sweep", "stop": {"patience": 1.5}}, "body.stop.patience",
         "a whole number is expected, not 1.5"),
        ({"kind": "training_search"}, "body.space", "it is missing"),
        ({"kind": "training_search", "space": {"epochs": {"low": 1, "hihg": 3}}}, "body.space.epochs.hihg",
         "there is no such field; do you mean 'high'?"),
        ({"kind": "training_search", "space": {"epochs": {"values": [1, 2], "log": True}}}, "body.space.epochs.log",
         "a list of values has no log: give values, or low and high, with log if need be"),
        ({"kind": "training_search", "space": {"epochs": {"values": [1, 2], "low": 1}}}, "body.space.epochs.low",
         "a list of values has no low: give values, or low and high, with log if need be"),
        ({"kind": "training_search", "space": {"epochs": {"values": [1, [2]]}}}, "body.space.epochs.values.1",
         "true or false is expected, or a whole number is expected, or a number is expected, or a text is expected, "
         "not a list"),
        ({"kind": "training_search", "space": {"range": {"low": 1}}}, "body.space.range.high", "it is missing"),
    ],
)  # fmt: skip
def test_a_spec_that_is_wrong_is_told_so_in_plain_words_at_its_place(
    spec: dict[str, Any], place: str, message: str
) -> None:
    assert findings(job_spec_adapter, spec)[place] == message


@pytest.mark.parametrize("dimension", [[32, 64], {"choices": [32, 64]}, {"value": [8]}, {}, None, 8, {"log": True}])
def test_what_is_no_dimension_of_a_space_is_told_the_forms_of_one(dimension: Any) -> None:
    spec = {"kind": "training_search", "space": {"batch_size": dimension}}
    assert findings(job_spec_adapter, spec) == {
        "body.space.batch_size": 'give {"values": [32, 64]} or {"low": ..., "high": ...}'
    }


@pytest.mark.parametrize("name", ["dataset", "version", "weights"])
def test_a_name_is_not_taken_for_one_that_is_little_like_it(name: str) -> None:
    spec = {"kind": "training_search", "space": {name: {"values": [1]}}}
    assert "do you mean" not in findings(job_spec_adapter, spec)[f"body.space.{name}"]


def test_of_alternatives_the_one_that_was_meant_is_told() -> None:
    spec = {"kind": "backprop_sweep", "biases": [0.35, [0.6, 0.6]]}
    assert findings(job_spec_adapter, spec) == {"body.biases.1": "a number is expected, not a list"}


def test_no_sentence_speaks_pydantic_whatever_is_wrong() -> None:
    for known in list_all_errors():
        context = known.get("example_context") or {}
        detail = {"type": known["type"], "loc": (), "input": 1, "ctx": context, "msg": known["example_message_python"]}
        message = describe(detail)
        assert message
        for word in ("Input should", "Extra inputs", "Value error", "discriminator", "Unable to", "Field required"):
            assert word not in message, (known["type"], message)


def test_locations_name_fields_that_look_like_what_pydantic_tried() -> None:
    class Item(BaseModel):
        flat: Annotated[int, Field(ge=1)]

    assert findings(TypeAdapter(dict[str, Item]), {"flat": {"flat": 0}}) == {
        "body.flat.flat": "it must be at least 1, not 0"
    }
