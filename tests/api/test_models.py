import hashlib
import time

import httpx


def test_shipped_version_has_a_card_and_files(api: httpx.Client) -> None:
    listed = api.get("/v1/models").json()["items"]
    assert listed[-1]["version"] == "1"
    model = api.get("/v1/models/champion").json()
    assert model["card"]["parameters"] == 16_562
    assert model["test_accuracy"] >= 0.9940
    for file in model["files"]:
        answer = api.get(file["href"])
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert len(answer.content) == file["size"]


def test_what_is_not_there_is_404(api: httpx.Client) -> None:
    for path in (
        "/v1/models/99",
        "/v1/models/%00",
        "/v1/models/1/files/secrets.txt",
        "/v1/models/1/files/%2e%2e%2fcard.json",
    ):
        assert api.get(path).status_code == 404, path


def test_it_is_alive_and_ready(api: httpx.Client) -> None:
    assert api.get("/livez").json() == {"live": True}
    deadline = time.monotonic() + 10
    while (answer := api.get("/readyz")).status_code != 200:
        assert time.monotonic() < deadline, answer.text
    assert (answer.json()["ready"], answer.json()["model"]) == (True, {"version": "1"})
