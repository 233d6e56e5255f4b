from typing import Any

import httpx
import pytest

from app.db import Sessions
from app.storage import Storage
from tests.networks import add_version

BLANK = {"pixels": [0] * 784}
CHAMPION = "/v1/models/aliases/champion"


@pytest.fixture(scope="module")
def other(api: httpx.Client, api_sessions: Sessions, api_storage: Storage) -> str:
    """A second version, of a network with other answers."""
    assert api.put(CHAMPION, json={"version": "1"}).status_code == 200
    return add_version(api_sessions, api_storage, "job:other")


def served(api: httpx.Client) -> str:
    version: str = api.post("/v1/predict", json=BLANK).json()["model"]["version"]
    return version


def test_alias_is_set_and_answers(api: httpx.Client) -> None:
    answer = api.put("/v1/models/aliases/stable", json={"version": "1"})
    assert "stable" in answer.json()["aliases"]
    assert api.get("/v1/models/stable").json()["version"] == "1"
    assert api.get("/v1/models/aliases/stable").json()["reason"] == "set by a client"


def test_champion_is_swapped_and_rolled_back_in_one_call_each_and_serves_at_once(api: httpx.Client, other: str) -> None:
    answer = api.put(CHAMPION, json={"version": other, "expected_version": "1", "reason": "it is better"})
    assert (answer.status_code, answer.headers["etag"]) == (200, f'"{other}"')
    assert served(api) == other
    assert api.post(f"{CHAMPION}/rollback").json()["version"] == "1"
    assert served(api) == "1"
    first, second = api.get(f"{CHAMPION}/history", params={"limit": 2}).json()["items"]
    assert (first["version"], first["until"], first["reason"]) == ("1", None, f"rollback from version {other}")
    assert (second["version"], second["until"]) == (other, first["since"])
    assert second["reason"] == "set by a client: it is better"
    assert api.get(f"{CHAMPION}/history").json()["items"][-1]["reason"] == "shipped with the program"


def test_compare_and_set_by_header_or_by_field(api: httpx.Client, other: str) -> None:
    tag = api.get(CHAMPION).headers["etag"]
    for headers, field in (({"If-Match": '"99"'}, {}), ({}, {"expected_version": "99"})):
        answer = api.put(CHAMPION, json={"version": other} | field, headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (412, "Alias moved")
        assert api.post(f"{CHAMPION}/rollback", json=field, headers=headers).status_code == 412
    assert served(api) == "1"
    assert api.put(CHAMPION, json={"version": other}, headers={"If-Match": tag}).status_code == 200
    assert api.put(CHAMPION, json={"version": "1"}, headers={"If-Match": tag}).status_code == 412
    assert api.post(f"{CHAMPION}/rollback", headers={"If-Match": f'"{other}"'}).status_code == 200
    both = api.put(CHAMPION, json={"version": "1", "expected_version": "1"}, headers={"If-Match": '"2"'})
    assert both.status_code == 422


def test_an_alias_is_created_or_kept_by_condition(api: httpx.Client, other: str) -> None:
    new = "/v1/models/aliases/conditional"
    moved = api.put(new, json={"version": "1"}, headers={"If-Match": "*"})
    assert (moved.status_code, moved.json()["detail"][:34]) == (412, "'conditional' does not exist yet. ")
    for version, status in (("1", 200), (other, 412)):
        assert api.put(new, json={"version": version}, headers={"If-None-Match": "*"}).status_code == status
    assert api.get(new).json()["version"] == "1"
    assert api.put(new, json={"version": other}, headers={"If-None-Match": '"7"'}).status_code == 200


@pytest.mark.parametrize("force", ["yes", "true", 1, None])
def test_only_true_passes_the_gate(api: httpx.Client, force: Any) -> None:
    answer = api.put(CHAMPION, json={"version": "1", "force": force})
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "body.force")


def test_version_that_cannot_be_loaded_does_not_become_champion(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage
) -> None:
    gone = add_version(api_sessions, api_storage, "job:gone")
    (api_storage.folder / "models/job:gone/model.onnx").unlink()
    assert api.put(CHAMPION, json={"version": gone}).status_code == 503
    assert api.get(CHAMPION).json()["version"] == served(api) == "1"
    assert api.delete(f"/v1/models/{gone}").status_code == 204  # the fuzzer would meet it


def test_what_is_not_there_is_404_and_what_is_wrong_is_422(api: httpx.Client) -> None:
    assert api.put("/v1/models/aliases/stable", json={"version": "99"}).status_code == 404
    for method, path in (("GET", ""), ("GET", "/history"), ("POST", "/rollback")):
        assert api.request(method, f"/v1/models/aliases/nobody{path}").status_code == 404
    for name, body in (("Loud", {"version": "1"}), ("stable", {"version": "1", "x": 1})):
        assert api.put(f"/v1/models/aliases/{name}", json=body).status_code == 422
    only = api.put("/v1/models/aliases/only", json={"version": "1"})
    assert only.status_code == 200
    assert api.post("/v1/models/aliases/only/rollback").status_code == 409


def test_alias_in_place_of_a_version_is_told_so_and_a_misspelt_one_the_nearest(api: httpx.Client) -> None:
    present = api.get(CHAMPION).json()["version"]
    words = f"'champion' is an alias of version {present}; name the version."
    deleted = api.delete("/v1/models/champion")
    assert (deleted.status_code, deleted.json()["detail"]) == (404, words)
    for name in ("champion", "trial"):
        moved = api.put(f"/v1/models/aliases/{name}", json={"version": "champion"})
        assert (moved.status_code, moved.json()["errors"]) == (404, [{"location": "body.version", "message": words}])
    unknown = api.put(CHAMPION, json={"version": "99"})
    assert (unknown.status_code, unknown.json()["errors"][0]["location"]) == (404, "body.version")
    reproduced = api.post("/v1/jobs", json={"kind": "reproduction", "version": "champio"})
    assert (reproduced.status_code, reproduced.json()["errors"][0]["location"]) == (404, "body.version")
    for path in ("champio", "Champion", "aliases/champio/history", "aliases/champio"):
        answer = api.get(f"/v1/models/{path}")
        assert answer.status_code == 404
        assert answer.json()["detail"].endswith("; do you mean 'champion'?"), path


def test_champion_past_the_gate_is_409_with_the_reasons_and_needs_force(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage
) -> None:
    poor = add_version(api_sessions, api_storage, "job:poor", test={"accuracy": 0.98}, validation={"accuracy": 0.97})
    refused = api.put(CHAMPION, json={"version": poor})
    assert (refused.status_code, refused.json()["title"]) == (409, "Gate not passed")
    assert len(refused.json()["reasons"]) == 2
    assert "98.00% of the test set is below the gate of 99.40%" in refused.json()["detail"]
    assert api.put("/v1/models/aliases/canary", json={"version": poor}).status_code == 200
    assert api.put(CHAMPION, json={"version": poor, "force": True}).status_code == 200
    assert api.get(CHAMPION).json()["forced"] is True
    assert api.post(f"{CHAMPION}/rollback").json()["version"] == "1"
    assert [change["forced"] for change in api.get(f"{CHAMPION}/history").json()["items"][:2]] == [False, True]


def test_aliases_are_listed_and_removed_and_their_history_stays(api: httpx.Client, other: str) -> None:
    api.put("/v1/models/aliases/spare", json={"version": int(other)}).raise_for_status()
    listed = {item["alias"]: item["version"] for item in api.get("/v1/models/aliases").json()["items"]}
    assert listed["spare"] == other
    assert listed["champion"] == "1"
    assert api.delete("/v1/models/aliases/spare", headers={"If-Match": '"1"'}).status_code == 412
    assert api.delete("/v1/models/aliases/spare").status_code == 204
    assert api.get("/v1/models/aliases/spare").status_code == 404
    assert api.delete("/v1/models/aliases/spare").status_code == 404
    assert api.get("/v1/models/aliases/spare/history").json()["items"][0]["until"] is not None
    assert "spare" not in api.get(f"/v1/models/{other}").json()["aliases"]
    assert api.delete(CHAMPION).status_code == 409


def test_a_version_that_was_champion_once_can_be_deleted_and_is_passed_over_by_a_rollback(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage
) -> None:
    first, second = (add_version(api_sessions, api_storage, f"job:deletable-{number}") for number in (1, 2))
    for version in (first, second, "1"):
        api.put("/v1/models/aliases/passing", json={"version": version}).raise_for_status()
    assert api.delete("/v1/models/1").status_code == 409
    assert api.delete(f"/v1/models/{second}").status_code == 204
    assert [item["version"] for item in api.get("/v1/models/aliases/passing/history").json()["items"]] == [
        "1", second, first,
    ]  # fmt: skip
    assert api.post("/v1/models/aliases/passing/rollback").json()["version"] == first
    api.put("/v1/models/aliases/passing", json={"version": "1"}).raise_for_status()
    assert api.delete(f"/v1/models/{first}").status_code == 204
