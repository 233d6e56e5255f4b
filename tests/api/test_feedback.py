import base64
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from PIL import Image

from app.config import Settings
from app.datasets.feedback import read_feedback
from app.db import Sessions
from app.migrations.migrate import upgrade
from tests.api.test_predictions import SEVEN
from tests.conftest import free_port, serve
from tests.fakes import RecordedNotifier
from tests.uploads import as_png, draw_digit

PIXELS = (np.arange(784) % 256).tolist()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("keeping"), port=free_port(), keep_predictions=100)


@pytest.fixture(scope="module")
def keeping(settings: Settings) -> Iterator[httpx.Client]:
    """A service that keeps the pictures of predictions."""
    upgrade(settings.resolved_database_url)
    with serve(settings, RecordedNotifier()) as client:
        assert client.get("/readyz").is_success
        yield client


@pytest.fixture(scope="module")
def keeping_sessions(keeping: httpx.Client, settings: Settings) -> Iterator[Sessions]:
    sessions = Sessions(settings.resolved_database_url)
    yield sessions
    sessions.close()


def newest(sessions: Sessions, answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 201, answer.text
    return read_feedback(sessions, answer.json()["sha256"]).images[-1]


def test_pixels_and_pictures_join_the_data_set(keeping: httpx.Client, keeping_sessions: Sessions) -> None:
    first = keeping.post("/v1/predictions/feedback", json={"digit": 3, "pixels": PIXELS})
    assert newest(keeping_sessions, first).flatten().tolist() == PIXELS
    image = base64.b64encode(SEVEN.read_bytes()).decode()
    second = keeping.post("/v1/predictions/feedback", json={"digit": 7, "image": image})
    png = keeping.post("/v1/predict?debug=true", json={"image": image}).json()["image"]["png"]
    sent_back = keeping.post("/v1/predictions/feedback", json={"digit": 7, "image": png})
    assert np.array_equal(newest(keeping_sessions, second), newest(keeping_sessions, sent_back))
    document = keeping.get("/v1/datasets/feedback").json()
    assert document["counts"]["3"] + document["counts"]["7"] == document["pictures"] == sent_back.json()["pictures"]
    assert (document["sha256"], document["splits"]) == (sent_back.json()["sha256"], None)
    assert keeping.get("/v1/datasets/feedback/sheet.png").headers["content-type"] == "image/png"


def test_prediction_is_named_by_its_id(keeping: httpx.Client, keeping_sessions: Sessions) -> None:
    prediction = keeping.post("/v1/predict", content=draw_digit(4), headers={"Content-Type": "image/png"}).json()
    answer = keeping.post("/v1/predictions/feedback", json={"digit": 4, "prediction_id": prediction["id"]})
    image = base64.b64encode(draw_digit(4)).decode()
    seen = keeping.post("/v1/predictions/feedback", json={"digit": 4, "image": image})
    assert np.array_equal(newest(keeping_sessions, answer), newest(keeping_sessions, seen))
    batch = keeping.post("/v1/predict/batch", json={"items": [{"pixels": PIXELS}, {"image": image}]}).json()["items"]
    assert len({item["id"] for item in batch}) == 2
    answer = keeping.post("/v1/predictions/feedback", json={"digit": 4, "prediction_id": batch[0]["id"]})
    assert newest(keeping_sessions, answer).flatten().tolist() == PIXELS


def test_nothing_is_kept_unless_it_is_switched_on(api: httpx.Client) -> None:
    prediction = api.post("/v1/predict", json={"pixels": PIXELS}).json()
    assert "id" not in prediction
    identifier = "0" * 8 + "-0000-7000-8000-" + "0" * 12
    answer = api.post("/v1/predictions/feedback", json={"digit": 4, "prediction_id": identifier})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:numeral:PredictionNotKept")
    assert "NUMERAL_KEEP_PREDICTIONS" in answer.json()["detail"]


def test_feedback_that_says_too_little_or_too_much_is_refused(api: httpx.Client) -> None:
    for body, location in [
        ({"pixels": PIXELS}, "body"),
        ({"digit": 4}, "body"),
        ({"digit": 4, "pixels": PIXELS, "image": "x"}, "body"),
        ({"digit": 4, "path": "x"}, "body.path"),
        ({"digit": 10, "pixels": PIXELS}, "body.digit"),
        ({"digit": True, "pixels": PIXELS}, "body.digit"),
        ({"digit": 4, "pixels": PIXELS[1:]}, "body.pixels"),
        ({"digit": 4, "image": "no base64!"}, "body.image"),
        ({"digit": 4, "prediction_id": 12}, "body.prediction_id"),
        ([4], "body"),
    ]:
        answer = api.post("/v1/predictions/feedback", json=body)
        assert answer.status_code == 422, body
        assert answer.json()["errors"][0]["location"] == location
    assert api.post("/v1/predictions/feedback", content=b"x", headers={"Content-Type": "image/png"}).status_code == 415


def test_picture_without_a_digit_is_not_added(api: httpx.Client) -> None:
    blank = base64.b64encode(as_png(Image.new("L", (100, 100), 255))).decode()
    for picture in ({"image": blank}, {"pixels": [0] * 784}):
        answer = api.post("/v1/predictions/feedback", json={"digit": 4} | picture)
        assert answer.status_code == 422
        assert "No ink was found" in answer.json()["detail"]
