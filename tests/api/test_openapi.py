"""The OpenAPI document: names, bounds, errors, and examples that are true."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from app.api import openapi
from app.db import Sessions
from app.storage import open_storage
from docs.make_examples import zip_of_sevens
from tests.conftest import serve_new
from tests.networks import add_version

WITHOUT_EXAMPLE = ("image/png", "application/zip", "application/octet-stream", "multipart/form-data")
JSON = "application/json"
# what the path of an example body stands for; a job of this kind that has ended, or was put there before
PATHS = {"version": "1", "alias": "stable", "name": "mine", "position": "0"}

Operations = dict[str, tuple[str, str, dict[str, Any]]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service of its own: the examples create jobs, data sets and aliases."""
    with serve_new(tmp_path_factory.mktemp("openapi")) as (client, settings):
        sessions = Sessions(settings.resolved_database_url)
        other = add_version(sessions, open_storage(settings), "job:other")
        sessions.close()
        for version in (other, "1"):
            client.put("/v1/models/aliases/stable", json={"version": version}).raise_for_status()
        files: dict[str, Any] = {"name": (None, "mine"), "file": ("mine.zip", zip_of_sevens())}
        client.post("/v1/datasets", files=files).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").raise_for_status().json()
    return found


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> Operations:
    return {one["operationId"]: (path, method, one) for path, method, one in openapi.operations(document)}


def test_every_operation_has_a_short_name_a_summary_a_known_tag_and_says_which_key_it_needs(
    document: dict[str, Any], operations: Operations
) -> None:
    assert len(operations) == len(list(openapi.operations(document)))  # no name twice
    assert {"submitJob", "predict", "readDigits", "setAlias"} <= set(operations)
    tags = {tag["name"] for tag in document["tags"]}
    for name, (path, _, operation) in operations.items():
        assert re.fullmatch("[a-z][A-Za-z]{3,24}", name)
        assert 10 <= len(operation["summary"]) <= openapi.MAX_SUMMARY_LENGTH, name
        assert set(operation["tags"]) <= tags
        assert (operation["security"] == []) == (path in ("/livez", "/readyz", "/v2/health/live", "/v2/health/ready"))
    assert {"bearer": ["train"]} in operations["submitJob"][2]["security"]
    assert all(tag["description"] for tag in document["tags"])
    assert document["info"]["contact"]
    assert document["info"]["license"]


def test_answers_name_their_errors_and_headers(document: dict[str, Any], operations: Operations) -> None:
    for name, (path, _, operation) in operations.items():
        codes = set(operation["responses"])
        assert "4XX" not in codes
        assert "400" in codes
        assert path in ("/livez", "/v2/health/live") or {"429", "503"} <= codes, name
        assert "{" not in path or path.startswith("/v2") or "404" in codes, name
        for response in operation["responses"].values():
            found = (
                document["components"]["responses"][response["$ref"].split("/")[-1]] if "$ref" in response else response
            )
            assert "X-Request-Id" in found["headers"]
            assert found["description"] != "Successful Response", name
    submit = operations["submitJob"][2]["responses"]
    assert {"Location", "Preference-Applied"} <= set(submit["202"]["headers"])
    assert "IdempotencyKeyReused" in submit["422"]["description"]
    assert "Retry-After" in submit["429"]["headers"]
    assert "ETag" in operations["getAlias"][2]["responses"]["200"]["headers"]
    assert {"409", "412"} <= set(operations["setAlias"][2]["responses"])


def test_jobs_results_and_events_are_told_apart_by_kind(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    kinds = {"backprop_sweep", "mnist_training", "reproduction", "training_search"}
    assert set(schemas["Job"]["discriminator"]["mapping"]) == kinds
    assert set(schemas["JobSummary"]["discriminator"]["mapping"]) == kinds
    assert set(schemas["Event"]["discriminator"]["mapping"]) == {"status", "epoch", "trial", "rung", "log"}
    assert "stalled" in schemas["JobError"]["properties"]["reason"]["enum"]
    for name, schema in schemas.items():  # no object of which nothing is said, but where anything may stand in it
        if schema.get("type") == "object":
            assert schema.get("properties"), name


def test_every_answer_has_an_example_that_fits_its_schema(document: dict[str, Any], operations: Operations) -> None:
    checked = 0
    for name, (_, _, operation) in operations.items():
        responses = {**operation["responses"]}
        for status, response in responses.items():
            for media_type, content in response.get("content", {}).items():
                if media_type in WITHOUT_EXAMPLE or (name, media_type) == ("getModelFile", JSON):
                    continue
                assert "example" in content, (name, status, media_type)
                require_valid(document, content["schema"], content["example"], f"{name} {status} {media_type}")
                checked += 1
    assert checked > 100


def test_every_body_has_examples_that_fit_its_schema_and_are_answered(
    client: httpx.Client, document: dict[str, Any], operations: Operations
) -> None:
    asked = 0
    for name, (path, method, operation) in operations.items():
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if media_type in WITHOUT_EXAMPLE or media_type.startswith("image/"):
                continue
            assert content["examples"], name
            for title, example in content["examples"].items():
                require_valid(document, content["schema"], example["value"], f"{name} {title}")
                place = path.format(**PATHS, job_id=ended_job(client, operations, name) if "{job_id}" in path else "")
                answer = client.request(method, place, json=example["value"])
                assert answer.is_success, f"{name} {title}: {answer.text}"
                asked += 1
    assert asked >= 17


def ended_job(client: httpx.Client, operations: Operations, operation: str) -> str:
    """The id of a job that ended at once, of the kind that the operation takes."""
    kind = "training_search" if operation == "extendSearch" else "mnist_training"
    body = operations["submitJob"][2]["requestBody"]["content"][JSON]["examples"][kind]["value"]
    job_id: str = client.post("/v1/jobs", json=body).raise_for_status().json()["id"]
    client.post(f"/v1/jobs/{job_id}/cancel").raise_for_status()
    return job_id


def require_valid(document: dict[str, Any], schema: dict[str, Any], value: Any, what: str) -> None:
    whole = {**schema, "components": document["components"]}
    errors = [f"{error.instance_path}: {error.message:.200}" for error in jsonschema_rs.iter_errors(whole, value)]
    assert not errors, f"{what}: {errors[:3]}"


def test_the_examples_are_those_of_existing_operations(operations: Operations) -> None:
    assert set(openapi._examples()) <= set(operations)
    assert Path(openapi.EXAMPLES).is_file()
