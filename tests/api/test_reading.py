import base64
import io

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.api.test_predictions import PNG, SEVEN, as_png
from tests.models.inference.test_reading import drawn

READ = "/v1/read"


def number_picture(number: str = "20638") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(drawn(number)).save(buffer, "PNG")
    return buffer.getvalue()


def test_number_is_read_in_every_way_it_can_be_sent(api: httpx.Client) -> None:
    picture = number_picture()
    answers = [
        api.post(READ, content=picture, headers=PNG),
        api.post(READ, files={"file": picture}),
        api.post(READ, json={"image": base64.b64encode(picture).decode()}),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert answer.json() == answers[0].json()
    reading = answers[0].json()
    assert set(reading) == {"text", "lines", "digits", "model"}
    assert reading["text"] == "20638"
    assert [digit["digit"] for digit in reading["digits"]] == [2, 0, 6, 3, 8]
    assert reading["lines"] == [{"text": "20638", "groups": ["20638"], "digits": reading["digits"]}]
    assert reading["model"] == {"version": "1"}
    for digit in reading["digits"]:
        assert digit["accepted"] == (digit["reason"] is None)


def test_one_digit_is_read_too_as_a_picture_and_as_pixels(api: httpx.Client) -> None:
    assert api.post(READ, content=SEVEN.read_bytes(), headers=PNG).json()["text"] == "7"
    pixels = (255 - drawn("6")[12:-12, 12:-12]).tolist()
    assert api.post(READ, json={"pixels": pixels}).json()["text"] == "6"


def test_a_dash_separates_two_groups(api: httpx.Client) -> None:
    page = np.hstack([drawn("20"), np.full((52, 20), 255, np.uint8), drawn("68")])
    middle = page.shape[1] // 2
    page[25:28, middle - 7 : middle + 7] = 0
    buffer = io.BytesIO()
    Image.fromarray(page).save(buffer, "PNG")
    reading = api.post(READ, content=buffer.getvalue(), headers=PNG).json()
    assert reading["text"] == "20 68"
    assert reading["lines"][0]["groups"] == ["20", "68"]
    assert len(reading["digits"]) == 4


def test_blank_page_has_no_text(api: httpx.Client) -> None:
    reading = api.post(READ, content=as_png((200, 100)), headers=PNG).json()
    assert (reading["text"], reading["lines"], reading["digits"]) == ("", [], [])


def test_plot_shows_the_boxes(api: httpx.Client) -> None:
    picture = number_picture()
    alone = api.post(READ, content=picture, headers=PNG | {"Accept": "image/png"})
    inside = api.post(READ, content=picture, headers=PNG, params={"debug": "true"}).json()
    assert alone.headers["content-type"] == "image/png"
    assert inside["plot"] == "data:image/png;base64," + base64.b64encode(alone.content).decode()
    plot = np.asarray(Image.open(io.BytesIO(alone.content)).convert("RGB"), int)
    zoom = plot.shape[1] // Image.open(io.BytesIO(picture)).width
    is_coloured = np.ptp(plot, axis=2) > 60  # the number itself is grey
    for digit in inside["digits"]:
        left, top, right, bottom = (edge * zoom for edge in digit["box"])
        assert is_coloured[(top + bottom) // 2, max(0, left - 4) : left + 4].any()
        assert is_coloured[(top + bottom) // 2, right - 4 : right + 4].any()


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"no picture", "image/png", 422),
        (number_picture()[:80], "image/png", 422),
        (b"", "image/png", 422),
        (b"{}", "application/json", 422),
        (b"words", "text/plain", 415),
    ],
)
def test_what_is_no_picture_is_refused(api: httpx.Client, content: bytes, content_type: str, status: int) -> None:
    answer = api.post(READ, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_noise_of_any_shape_is_answered(api: httpx.Client) -> None:
    random = np.random.default_rng(0)
    for size in ((1, 1), (1, 900), (900, 1), (3, 1000), (40, 1000), (300, 300), (1000, 1000)):
        for share in (0.001, 0.02, 0.5):
            buffer = io.BytesIO()
            Image.fromarray(((random.random(size) < share) * 255).astype(np.uint8)).save(buffer, "PNG")
            answer = api.post(READ, content=buffer.getvalue(), headers=PNG)
            assert answer.status_code in (200, 422), answer.text


def test_deadline_model_and_debug_are_heeded(api: httpx.Client) -> None:
    picture = number_picture()
    assert api.post(READ, content=picture, headers=PNG | {"X-Request-Timeout": "0.000001"}).status_code == 504
    assert api.post(READ, content=picture, headers=PNG, params={"model": "nobody"}).status_code == 404
    assert api.post(READ, content=picture, headers=PNG, params={"model": "1"}).json()["text"] == "20638"
    assert api.post(READ, content=picture, headers=PNG, params={"debug": "maybe"}).status_code == 422
