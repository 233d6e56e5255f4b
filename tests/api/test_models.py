import hashlib
import time

import httpx

from app.db import Sessions
from app.registry import service as registry
from app.registry.tables import ModelVersion


def test_shipped_version_has_a_card_and_files(api: httpx.Client) -> None:
    listed = api.get("/v1/models").json()["items"]
    assert listed[-1]["version"] == "1"
    model = api.get("/v1/models/champion").json()
    assert model["card"]["parameters"] == 16_562
    assert model["test_accuracy"] >= 0.9955
    for file in model["files"]:
        answer = api.get(file["href"])
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert len(answer.content) == file["size"]


def test_alias_is_set_and_answers(api: httpx.Client) -> None:
    answer = api.put("/v1/models/aliases/stable", json={"version": "1"})
    assert "stable" in answer.json()["aliases"]
    assert api.get("/v1/models/stable").json()["version"] == "1"


def test_what_is_not_there_is_404_and_what_is_wrong_is_422(api: httpx.Client) -> None:
    for path in (
        "/v1/models/99",
        "/v1/models/%00",
        "/v1/models/1/files/secrets.txt",
        "/v1/models/1/files/%2e%2e%2fcard.json",
    ):
        assert api.get(path).status_code == 404, path
    assert api.put("/v1/models/aliases/stable", json={"version": "99"}).status_code == 404
    for name, body in (("Loud", {"version": "1"}), ("stable", {"version": 1}), ("stable", {"version": "1", "x": 1})):
        assert api.put(f"/v1/models/aliases/{name}", json=body).status_code == 422


def test_it_is_alive_and_ready(api: httpx.Client) -> None:
    assert api.get("/livez").json() == {"live": True}
    deadline = time.monotonic() + 10
    while (answer := api.get("/readyz")).status_code != 200:
        assert time.monotonic() < deadline, answer.text
    assert answer.json() == {"ready": True, "model": {"version": "1"}}


def test_champion_is_swapped_without_a_restart(api: httpx.Client, api_sessions: Sessions) -> None:
    shipped, _ = registry.get(api_sessions, "1")
    with api_sessions.writing() as session:
        session.add(ModelVersion(source="copy", card=shipped.card, files=shipped.files, created_at=shipped.created_at))
    for version in (api.get("/v1/models").json()["items"][0]["version"], "1"):
        assert api.put("/v1/models/aliases/champion", json={"version": version}).status_code == 200
        deadline = time.monotonic() + 10
        while api.post("/v1/predict", json={"pixels": [0] * 784}).json()["model"]["version"] != version:
            assert time.monotonic() < deadline
