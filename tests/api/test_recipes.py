from dataclasses import asdict

import httpx

from models.recipes import RECIPES


def test_recipes_are_listed_with_every_value(api: httpx.Client) -> None:
    items = api.get("/v1/recipes").json()["items"]
    assert {item["name"]: item["fields"] for item in items} == {name: asdict(each) for name, each in RECIPES.items()}
    assert all(item["description"] for item in items)


def test_fields_of_a_recipe_are_listed_with_meaning_bounds_and_default(api: httpx.Client) -> None:
    fields = api.get("/v1/recipes").json()["fields"]
    assert set(fields) == set(asdict(RECIPES["fast"]))
    assert all(field["meaning"] for field in fields.values())
    assert {name: field.get("default") for name, field in fields.items()} == asdict(RECIPES["fast"])
    assert fields["rotation"] == {
        "type": "number", "meaning": "at most, in degrees", "default": 10.0, "minimum": 0, "maximum": 180,
    }  # fmt: skip
    assert fields["learning_rate"]["exclusiveMinimum"] == 0
    assert fields["schedule"]["enum"] == ["constant", "one_cycle", "cosine"]
    assert fields["average_decay"]["type"] == "number or null"
    assert fields["average_decay"]["exclusiveMaximum"] == 1


def test_listed_recipe_can_be_sent_as_a_spec(api: httpx.Client) -> None:
    for item in api.get("/v1/recipes").json()["items"]:
        answer = api.post("/v1/jobs", json={"kind": "mnist_training"} | item["fields"])
        assert answer.status_code == 202, answer.text
        assert item["fields"].items() <= answer.json()["spec"].items()
        api.post(answer.json()["links"]["cancel"])
