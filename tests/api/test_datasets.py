import base64
import io
import json
import socket
import threading
import time
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from PIL import Image, ImageColor

from app.config import Settings
from app.db import Sessions
from app.jobs import service as jobs
from app.registry import service as registry
from app.storage import Storage
from models.datasets.pictures import SPLITS, read_npz
from models.figures.colors import DARK, LIGHT
from models.training.data import Dataset
from tests.uploads import draw_digit, idx_files, make_zip, zip_of_digits


def upload(api: httpx.Client, name: str, *files: tuple[str, bytes]) -> httpx.Response:
    return api.post("/v1/datasets", data={"name": name}, files=[("file", file) for file in files])


def new_name() -> str:
    return f"d{uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def mine(api: httpx.Client) -> dict[str, Any]:
    """A data set of three digits, and what the service said of it."""
    name = new_name()
    answer = upload(api, name, ("digits.zip", zip_of_digits({1: 6, 4: 6, 7: 8})))
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/datasets/{name}"
    document: dict[str, Any] = answer.json()
    return document


def test_zip_of_pictures_becomes_a_data_set(api: httpx.Client, mine: dict[str, Any], api_storage: Storage) -> None:
    assert (mine["built_in"], mine["pictures"], mine["rejected"]["total"]) == (False, 20, 0)
    assert mine["counts"] == {str(digit): {1: 6, 4: 6, 7: 8}.get(digit, 0) for digit in range(10)}
    assert mine["splits"] == {"train": 14, "validation": 3, "test": 3}
    assert api.get(mine["links"]["self"]).json() == mine
    listed = api.get("/v1/datasets").json()["items"]
    assert {key: value for key, value in mine.items() if key != "rejected"} in listed
    [name] = [stored.name for stored in api_storage.list() if stored.name.startswith(f"datasets/{mine['name']}-")]
    content = api_storage.get(name, sha256=mine["sha256"])
    assert len(content) == mine["bytes"]


def test_each_picture_is_what_a_prediction_sees(api: httpx.Client, mine: dict[str, Any], api_storage: Storage) -> None:
    [name] = [stored.name for stored in api_storage.list() if stored.name.startswith(f"datasets/{mine['name']}-")]
    pictures = read_npz(api_storage.get(name, sha256=mine["sha256"]))
    answer = api.post("/v1/predict?debug=true", content=draw_digit(7, 2), headers={"Content-Type": "image/png"}).json()
    seen = np.array(Image.open(io.BytesIO(base64.b64decode(answer["image"]["png"].partition(",")[2]))))
    sevens = pictures.images[pictures.labels == 7]
    assert any(np.array_equal(seen, image) for image in sevens)


def test_sheet_is_a_picture(api: httpx.Client, mine: dict[str, Any]) -> None:
    answer = api.get(mine["links"]["sheet"])
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (626, 158)  # two rows of ten


def test_label_of_a_listed_picture_is_corrected(api: httpx.Client) -> None:
    made = upload(api, new_name(), ("digits.zip", zip_of_digits({1: 6, 7: 6}))).json()
    pictures = made["links"]["pictures"]
    page = api.get(pictures, params={"digit": 7, "offset": 1, "limit": 2}).json()
    assert (page["total"], [each["digit"] for each in page["items"]]) == (6, [7, 7])
    chosen = page["items"][0]
    with Image.open(io.BytesIO(base64.b64decode(chosen["png"].partition(",")[2]))) as picture:
        assert picture.size == (28, 28)
    corrected = api.patch(f"{pictures}/{chosen['position']}", json={"digit": 1}).json()
    assert (corrected["counts"]["1"], corrected["counts"]["7"]) == (7, 5)
    assert corrected["sha256"] != made["sha256"]
    assert api.get(made["links"]["self"]).json() == corrected
    found = api.get(pictures).json()["items"]
    assert {each["position"]: each["digit"] for each in found}[chosen["position"]] == 1
    parts = {split: api.get(pictures, params={"split": split, "digit": 7}).json() for split in SPLITS}
    assert sum(part["total"] for part in parts.values()) == 5
    assert all(each["split"] == split and each["digit"] == 7 for split in SPLITS for each in parts[split]["items"])
    for answer, status in [
        (api.get(pictures, params={"split": "tset"}), 422),
        (api.patch(f"{pictures}/12", json={"digit": 1}), 404),
        (api.patch(f"{pictures}/0", json={"digit": 10}), 422),
        (api.patch(f"{pictures}/0", json={"digit": True}), 422),
        (api.patch("/v1/datasets/mnist/pictures/0", json={"digit": 1}), 422),
        (api.get(pictures, params={"limit": 201}), 422),
        (api.get("/v1/datasets/mnist/pictures"), 404),
    ]:
        assert answer.status_code == status, answer.text


def test_built_in_data_sets_are_listed_first_hand(api: httpx.Client) -> None:
    built_in = [item for item in api.get("/v1/datasets").json()["items"] if item["built_in"]]
    assert [item["name"] for item in built_in] == ["mnist", "optdigits", "fashion-mnist", "kmnist"]
    assert api.get("/v1/datasets/mnist").json()["description"] == built_in[0]["description"]
    assert api.get("/v1/datasets/mnist/sheet.png").status_code == 404
    assert api.delete("/v1/datasets/mnist").status_code == 422


def test_what_cannot_be_used_is_listed_with_its_reason(api: httpx.Client) -> None:
    white = Image.new("L", (100, 100), 255)
    file = io.BytesIO()
    white.save(file, "PNG")
    files = {f"{digit}/{number}.png": draw_digit(digit, number) for digit in (3, 5) for number in range(3)}
    bad = {
        "3/blank.png": file.getvalue(),
        "3/cut.png": draw_digit(3)[:300],
        "3/notes.txt": b"these are threes",
        "3/twin.png": draw_digit(3, 1),
        "readme.md": b"# Digits",
    }
    answer = upload(api, new_name(), ("digits.zip", make_zip(files | bad))).json()
    assert answer["pictures"] == 6
    reasons = {item["file"]: item["reason"] for item in answer["rejected"]["items"]}
    assert set(reasons) == set(bad)
    assert reasons["3/blank.png"] == "No ink was found in it."
    assert "damaged or cut off" in reasons["3/cut.png"]
    assert "are not a PNG" in reasons["3/notes.txt"]
    assert reasons["3/twin.png"] == "It is the same picture as 3/1.png."
    assert "no folder" in reasons["readme.md"]


@pytest.mark.parametrize("is_zip", [False, True])
def test_idx_files_keep_their_test_set(api: httpx.Client, mnist: Dataset, is_zip: bool) -> None:
    images, labels = mnist.test.images[:120, 0].numpy(), mnist.test.labels[:120].numpy()
    files = idx_files((images[:100], labels[:100]), (images[100:], labels[100:]), is_packed=True)
    answer = upload(api, new_name(), *([("idx.zip", make_zip(dict(files)))] if is_zip else files))
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert (document["pictures"], document["rejected"]["total"], document["splits"]["test"]) == (120, 0, 20)
    assert document["counts"] == {str(digit): int((labels == digit).sum()) for digit in range(10)}


def test_archives_that_are_made_to_do_harm_are_refused(api: httpx.Client) -> None:
    for files, status, words in [
        ({"../../etc/7/a.png": b"x"}, 422, "leads out of it"),
        ({"/7/a.png": b"x"}, 422, "leads out of it"),
        ({"7/a.bmp": bytes(2 * 2**20)}, 422, "200 times its size"),
        ({f"7/{number}.png": b"" for number in range(10_001)}, 413, "10,001 files, more than 10,000"),
        ({}, 422, "The archive holds no files. Put the pictures into folders 0 to 9"),
        ({"7/a.png": b"no picture"}, 422, "Of 1 file, none can be used. 7/a.png: These bytes are not"),
    ]:
        answer = upload(api, new_name(), ("digits.zip", make_zip(files)))
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert words in answer.json()["detail"]


def test_misspelt_name_of_a_data_set_is_told_the_nearest(api: httpx.Client, mine: dict[str, Any]) -> None:
    for unknown, near in (("optdigit", "optdigits"), (f"{mine['name']}x", mine["name"])):
        hint = f"There is no data set '{unknown}'; do you mean '{near}'?"
        assert api.get(f"/v1/datasets/{unknown}").json()["detail"] == hint
        (error,) = api.post("/v1/jobs", json={"kind": "mnist_training", "dataset": unknown}).json()["errors"]
        assert error == {"location": "body.dataset", "message": hint}
    (error,) = api.post("/v1/jobs", json={"kind": "mnist_training", "dataset": "MNIST"}).json()["errors"]
    assert error["location"] == "body.dataset"
    assert error["message"].endswith("; do you mean 'mnist'?")
    (error,) = api.post("/v1/jobs", json={"kind": "mnist_training", "dataset": "Mine, Yours"}).json()["errors"]
    assert error["message"].endswith("lower-case letters, digits, - and _")
    assert api.get("/v1/datasets/MNIST").json()["detail"].endswith("; do you mean 'mnist'?")


def test_form_that_lacks_something_says_what(api: httpx.Client) -> None:
    archive = ("digits.zip", zip_of_digits({1: 3, 2: 3}))
    for answer, location in [
        (upload(api, "Not A Slug", archive), "body.name"),
        (upload(api, "mnist", archive), "body.name"),
        (upload(api, "feedback", archive), "body.name"),
        (api.post("/v1/datasets", files={"file": archive}), "body.name"),
        (api.post("/v1/datasets", data={"name": "x"}, files={"other": archive}), "body.file"),
        (api.post("/v1/datasets", data={"name": "x", "seed": "3"}, files={"file": archive}), "body.seed"),
        (upload(api, "x", *[archive] * 5), "body.file"),
        (api.post("/v1/datasets", data={"name": "x"}, files=[("f", archive)] * 20), "body"),
    ]:
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["location"] == location
    misnamed = api.post("/v1/datasets", data={"name": "x"}, files={"files": archive})
    assert misnamed.json()["detail"].endswith("in the field 'file'; its other fields: 'files'.")
    assert api.post("/v1/datasets", json={"name": "x"}).status_code == 415


def test_name_is_taken_once(api: httpx.Client, mine: dict[str, Any]) -> None:
    answer = upload(api, mine["name"], ("digits.zip", zip_of_digits({1: 3, 2: 3})))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:numeral:DatasetExists")


def test_upload_past_the_limit_is_refused_before_it_is_sent(api: httpx.Client, api_settings: Settings) -> None:
    with socket.create_connection(("127.0.0.1", api_settings.port), timeout=30) as connection:
        connection.sendall(
            b"POST /v1/datasets HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            b"Content-Length: %d\r\n\r\n" % (api_settings.max_upload_bytes + 1)
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_predictions_go_on_during_an_import(api: httpx.Client) -> None:
    """An import takes no place of a prediction's, and does not hold up the event loop."""
    archive = zip_of_digits(dict.fromkeys(range(10), 30))
    seconds: list[float] = []
    with httpx.Client(base_url=api.base_url, timeout=60) as other:
        answers: list[httpx.Response] = []
        importing = threading.Thread(target=lambda: answers.append(upload(other, new_name(), ("a.zip", archive))))
        importing.start()
        while importing.is_alive():
            started = time.monotonic()
            assert api.get("/livez").status_code == 200
            assert api.post("/v1/predict", json={"pixels": [0] * 784}).status_code == 200
            seconds.append(time.monotonic() - started)
        importing.join()
    assert answers[0].status_code == 201
    assert len(seconds) > 20
    assert float(np.median(seconds)) < 0.25


def test_training_names_what_it_trains_on(api: httpx.Client, mine: dict[str, Any], api_sessions: Sessions) -> None:
    spec = {"kind": "mnist_training", "dataset": mine["name"], "mix": 0.5, "start_from": "champion"}
    answer = api.post("/v1/jobs", json=spec)
    assert answer.status_code == 202, answer.text
    job = jobs.get(api_sessions, answer.json()["id"])
    champion = registry.resolve(api_sessions, "champion")
    assert job.inputs == {"dataset": {"name": mine["name"], "sha256": mine["sha256"]}, "start_from": champion}
    refused = api.delete(mine["links"]["self"])
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:numeral:DatasetInUse")
    assert job.id in refused.json()["detail"]
    api.post(f"/v1/jobs/{job.id}/cancel").raise_for_status()
    again = api.post("/v1/jobs", json=spec, headers={"Idempotency-Key": uuid4().hex})
    api.post(f"/v1/jobs/{again.json()['id']}/cancel").raise_for_status()


def test_training_on_what_is_not_there_is_refused(api: httpx.Client) -> None:
    for spec, location, words in [
        ({"dataset": "nothing-of-the-kind"}, "body.dataset", "no data set 'nothing-of-the-kind'"),
        ({"start_from": "nobody"}, "body.start_from", "no model version or alias 'nobody'"),
        ({"mix": 0.5}, "body", "mix adds MNIST to a data set of other digits"),
        ({"dataset": "kmnist", "mix": 0.5}, "body", "not to kmnist"),
        ({"dataset": "optdigits", "mix": 1.5}, "body.mix", "at most 1"),
        ({"dataset": "No Slug"}, "body.dataset", "a lower-case letter, then up to 39"),
    ]:
        answer = api.post("/v1/jobs", json={"kind": "mnist_training"} | spec)
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert error["location"] == location
        assert words in error["message"]


def test_batch_larger_than_the_data_set_is_refused(api: httpx.Client, mine: dict[str, Any]) -> None:
    spec = {"kind": "mnist_training", "dataset": mine["name"], "batch_size": 15}
    answer = api.post("/v1/jobs", json=spec)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "body.batch_size"
    assert "larger than the 14 training pictures" in answer.json()["detail"]
    assert api.post("/v1/jobs", json=spec | {"batch_size": 14}).status_code == 202


def test_data_set_of_one_digit_can_be_looked_at_but_not_trained_on(api: httpx.Client) -> None:
    name = new_name()
    assert upload(api, name, ("digits.zip", zip_of_digits({7: 5}))).status_code == 201
    answer = api.post("/v1/jobs", json={"kind": "mnist_training", "dataset": name})
    assert answer.status_code == 422
    assert "the digit 7 only" in json.dumps(answer.json())
    for query, ground in (("", LIGHT.surface), ("?theme=dark", DARK.surface)):
        sheet = Image.open(io.BytesIO(api.get(f"/v1/datasets/{name}/sheet.png{query}").raise_for_status().content))
        assert sheet.getpixel((0, 0)) == ImageColor.getcolor(ground, "L")


def test_deleted_data_set_is_gone(api: httpx.Client, api_storage: Storage) -> None:
    name = new_name()
    upload(api, name, ("digits.zip", zip_of_digits({1: 3, 2: 3}))).raise_for_status()
    assert api.delete(f"/v1/datasets/{name}").status_code == 204
    for answer in (
        api.get(f"/v1/datasets/{name}"),
        api.get(f"/v1/datasets/{name}/sheet.png"),
        api.delete(f"/v1/datasets/{name}"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:numeral:DatasetNotFound")
    assert not any(stored.name.startswith(f"datasets/{name}-") for stored in api_storage.list())
    assert upload(api, name, ("digits.zip", zip_of_digits({1: 3, 2: 3}))).status_code == 201
