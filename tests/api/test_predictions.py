import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.api.schemas.pictures import PICTURE_TYPES
from app.registry.service import SHIPPED
from models.inference.classifier import DigitClassifier
from models.pictures.opening import READABLE
from models.training.data import Dataset

SEVEN = Path(__file__).parents[2] / "docs" / "examples" / "seven.png"
HEIC = Path(__file__).parents[1] / "models" / "pictures" / "heic" / "seven.heic"
PNG = {"Content-Type": "image/png"}
BLANK = {"pixels": [0] * 784}


def as_png(size: tuple[int, int], mode: str = "L") -> bytes:
    return as_format(Image.new(mode, size), "PNG")


def as_format(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def test_picture_is_read_in_every_way_it_can_be_sent(api: httpx.Client) -> None:
    picture = SEVEN.read_bytes()
    encoded = base64.b64encode(picture).decode()
    answers = [
        api.post("/v1/predict", content=picture, headers=PNG),
        api.post("/v1/predict", files={"file": picture}),
        api.post("/v1/predict", json={"image": encoded}),
        api.post("/v1/predict", json={"image": f"data:image/png;base64,{encoded}"}),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert answer.json() == answers[0].json()
    prediction = answers[0].json()
    assert (prediction["digit"], prediction["accepted"], prediction["reason"]) == (7, True, None)
    assert prediction["confidence"] == max(prediction["probabilities"])
    assert sum(prediction["probabilities"]) == pytest.approx(1, abs=1e-6)
    assert prediction["model"] == {"version": "1"}
    assert prediction["image"]["inverted"] is True


@pytest.mark.parametrize("kind", ["TIFF", "AVIF", "HEIC"])
def test_photo_of_a_telephone_or_a_scan_is_read_in_every_way_it_can_be_sent(api: httpx.Client, kind: str) -> None:
    picture = HEIC.read_bytes() if kind == "HEIC" else as_format(Image.open(SEVEN), kind)
    media_type = f"image/{kind.lower()}"
    encoded = base64.b64encode(picture).decode()
    answers = [
        api.post("/v1/predict", content=picture, headers={"Content-Type": media_type}),
        api.post("/v1/predict", content=picture, headers={"Content-Type": "application/octet-stream"}),
        api.post("/v1/predict", files={"file": ("photo", picture, media_type)}),
        api.post("/v1/predict", json={"image": encoded}),
        api.post("/v1/predict", json={"image": f"data:{media_type};base64,{encoded}"}),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert answer.json() == answers[0].json()
    png = api.post("/v1/predict", content=SEVEN.read_bytes(), headers=PNG).json()
    found = answers[0].json()
    assert (found["digit"], found["accepted"]) == (7, True)
    assert found["image"]["box"] == pytest.approx(png["image"]["box"], abs=8)  # two pixels of a view
    batch = api.post("/v1/predict/batch", files=[("files", picture), ("files", picture[:-1500])]).json()["items"]
    assert (batch[0]["digit"], batch[1]["error"]["title"]) == (7, "Picture refused")
    page = api.post("/v1/read", content=picture, headers={"Content-Type": media_type})
    assert page.json()["text"] == "7"


def test_mnist_picture_in_a_tiff_is_used_unchanged(api: httpx.Client, mnist: Dataset) -> None:
    for pixels in mnist.test.images[:20, 0]:
        picture = Image.fromarray(pixels.numpy())
        sent = [(as_format(picture, kind), f"image/{kind.lower()}") for kind in ("PNG", "TIFF")]
        png, tiff = (
            api.post("/v1/predict", content=each, headers={"Content-Type": kind}).json() for each, kind in sent
        )
        assert png == tiff


def test_refused_picture_and_refused_type_name_what_can_be_read(api: httpx.Client) -> None:
    refused = api.post("/v1/predict", content=b"%PDF-1.7", headers=PNG)
    assert (refused.status_code, READABLE in refused.json()["detail"]) == (422, True)
    unsupported = api.post("/v1/predict", content=b"%PDF-1.7", headers={"Content-Type": "application/pdf"})
    assert unsupported.status_code == 415
    assert all(kind in unsupported.json()["detail"] for kind in PICTURE_TYPES)


def test_pixels_are_taken_as_they_are(api: httpx.Client, mnist: Dataset) -> None:
    for index in range(20):
        pixels = mnist.test.images[index, 0].tolist()
        rows = api.post("/v1/predict", json={"pixels": pixels}).json()
        flat = api.post("/v1/predict", json={"pixels": [pixel for row in pixels for pixel in row]}).json()
        assert rows == flat
        assert rows["digit"] == int(mnist.test.labels[index])
        assert rows["image"] is None


def test_batch_answers_in_order_each_in_its_own_place(api: httpx.Client, mnist: Dataset) -> None:
    items: list[dict[str, Any]] = [{"pixels": image[0].tolist()} for image in mnist.test.images[:256]]
    items[7] = {"image": "bm90IGEgcGljdHVyZQ=="}
    answers = api.post("/v1/predict/batch", json={"items": items}).json()["items"]
    assert len(answers) == 256
    assert set(answers[7]) == {"error"}
    digits = [answer["digit"] for i, answer in enumerate(answers) if i != 7]
    labels = [label for i, label in enumerate(mnist.test.labels[:256].tolist()) if i != 7]
    assert sum(digit == label for digit, label in zip(digits, labels, strict=True)) >= 253


def test_batch_of_uploads(api: httpx.Client) -> None:
    answer = api.post(
        "/v1/predict/batch", files=[("files", SEVEN.read_bytes()), ("files", b"no"), ("files", SEVEN.read_bytes())]
    )
    items = answer.json()["items"]
    assert [item.get("digit") for item in items] == [7, None, 7]
    assert items[1]["error"]["title"] == "Picture refused"


def test_blank_page_is_not_accepted(api: httpx.Client) -> None:
    prediction = api.post("/v1/predict", content=as_png((50, 40)), headers=PNG).json()
    assert (prediction["accepted"], prediction["reason"]) == (False, "blank")


def test_what_is_no_digit_is_not_accepted_and_says_why(api: httpx.Client) -> None:
    seven = Image.open(SEVEN).convert("L")
    two, dot = Image.new("L", (2 * seven.width, seven.height), 255), Image.new("L", (200, 200), 255)
    two.paste(seven, (0, 0))
    two.paste(seven, (seven.width, 0))
    ImageDraw.Draw(dot).ellipse((90, 90, 100, 100), 0)
    for picture, reason in ((two, "not_a_digit"), (dot, "too_small")):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        prediction = api.post("/v1/predict", content=buffer.getvalue(), headers=PNG).json()
        assert (prediction["accepted"], prediction["reason"]) == (False, reason)


def test_debug_shows_the_picture_that_the_network_saw(api: httpx.Client) -> None:
    plain = api.post("/v1/predict", content=SEVEN.read_bytes(), headers=PNG).json()
    shown = api.post("/v1/predict", content=SEVEN.read_bytes(), headers=PNG, params={"debug": "true"}).json()
    kind, _, encoded = shown["image"].pop("png").partition(",")
    assert kind == "data:image/png;base64"
    overlay, hypotheses = shown["image"].pop("overlay"), shown["image"].pop("hypotheses")
    assert shown == plain
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(overlay.partition(",")[2]))).convert("RGB"), int)
    with Image.open(SEVEN) as sent:
        zoom = drawn.shape[1] / sent.width
    left, top, right, bottom = (round(edge * zoom) for edge in plain["image"]["box"])
    is_blue = drawn[..., 2] - drawn[..., 0] > 60
    assert is_blue[top:bottom, left:right].mean() > 0.05  # the ink
    assert is_blue[:top].sum() + is_blue[bottom + 4 :].sum() < 0.1 * is_blue.sum()
    assert [each["chosen"] for each in hypotheses] == [True]
    assert hypotheses[0]["score"] == pytest.approx(1)
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert (picture.size, picture.mode) == ((28, 28), "L")
    again = api.post("/v1/predict", json={"pixels": list(picture.get_flattened_data())}).json()
    assert again["probabilities"] == pytest.approx(plain["probabilities"], abs=1e-6)


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "image/png", 422),
        (b"not a picture", "image/png", 422),
        (SEVEN.read_bytes()[:200], "image/png", 422),
        (as_png((10_000, 10_000), "1"), "image/png", 413),
        (SEVEN.read_bytes(), "text/plain", 415),
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"pixels": [NaN]}', "application/json", 422),
        (b'{"pixels": ' + json.dumps([256] * 784).encode() + b"}", "application/json", 422),
        (b'{"pixels": ' + json.dumps([-1] * 784).encode() + b"}", "application/json", 422),
        (b'{"pixels": ' + json.dumps([1e39] * 784).encode() + b"}", "application/json", 422),  # above float32's largest
        (
            b'{"pixels": ' + json.dumps([1e999] * 784).replace("Infinity", "1e999").encode() + b"}",
            "application/json",
            422,
        ),
        (b'{"pixels": ' + json.dumps(["1"] * 784).encode() + b"}", "application/json", 422),
        (b'{"pixels": ' + json.dumps([True] * 784).encode() + b"}", "application/json", 422),
        (b'{"pixels": ' + json.dumps([10**30] * 784).encode() + b"}", "application/json", 422),
        (b'{"pixels": ' + json.dumps([0] * 783).encode() + b"}", "application/json", 422),
        (b'{"pixels": [[1], [1, 2]]}', "application/json", 422),
        (b'{"pixels": {}}', "application/json", 422),
        (b'{"pixels": ' + b"[" * 100_000 + b"}", "application/json", 422),
        (b'{"image": "***"}', "application/json", 422),
        (b'{"image": 7}', "application/json", 422),
        (b'{"image": "data:image/png,abc"}', "application/json", 422),
        (b'{"image": "", "colour": 1}', "application/json", 422),
        (b"--x\r\n", "multipart/form-data", 422),
        (b"--x\r\n", "multipart/form-data; boundary=x", 422),
    ],
)
def test_bad_input_is_a_problem_and_never_a_500(
    api: httpx.Client, content: bytes, content_type: str, status: int
) -> None:
    answer = api.post("/v1/predict", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"]) > 20


def test_batch_has_bounds(api: httpx.Client) -> None:
    blank = {"pixels": [0] * 784}
    for body in ({"items": []}, {"items": [blank] * 257}, {"things": []}, {"items": [blank], "more": 1}, [blank]):
        assert api.post("/v1/predict/batch", json=body).status_code == 422


def test_json_of_far_too_many_parts_is_refused_before_it_is_parsed(api: httpx.Client) -> None:
    for unended in (b"0,", b"[", b'{"a":'):  # that it is no JSON is not looked at
        for path in ("/v1/predict", "/v1/predict/batch"):
            answer = api.post(path, content=unended * 500_000, headers={"Content-Type": "application/json"})
            assert (answer.status_code, "500,000 commas" in answer.json()["detail"]) == (422, True)


def test_body_over_the_limit_is_413_declared_or_not(api: httpx.Client) -> None:
    def chunks() -> Any:
        for _ in range(40):
            yield b"\0" * 2**20

    declared = api.post("/v1/predict", content=b"\0" * (33 * 2**20), headers=PNG)
    chunked = api.post("/v1/predict", content=chunks(), headers=PNG)
    assert (declared.status_code, chunked.status_code) == (413, 413)
    assert "33,554,432" in chunked.json()["detail"]


@pytest.mark.parametrize(
    ("pixels", "place", "wrong"),
    [
        ([0] * 783, "", "has 783 numbers"),
        (None, "", "is null"),
        ("0" * 784, "", f'is "{"0" * 39}...'),
        ([0] * 500 + ["x"] + [0] * 283, ".500", 'is "x", no number'),
        ([0.5] * 783 + [True], ".783", "is true, no number"),
        ([0] * 783 + [-1], ".783", "is -1, below 0"),
        ([[0] * 28] * 3 + [[0] * 27 + [300]] + [[0] * 28] * 24, ".3.27", "is 300, above 255"),
        ([[0] * 28] * 27 + [[0] * 27 + [255.5]], ".27.27", "is 255.5, above 255"),
        ([[0] * 28] * 27 + [[0] * 27], ".27", "has 27 numbers"),
        ([[0] * 28] * 27 + [0], ".27", "is 0, no row"),
        ([[0] * 28] * 27, "", "has 27 rows"),
    ],
)
def test_wrong_pixels_are_named_alone_and_in_a_batch(api: httpx.Client, pixels: Any, place: str, wrong: str) -> None:
    refused = api.post("/v1/predict", json={"pixels": pixels})
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, f"body.pixels{place}")
    assert refused.json()["detail"].startswith(f"pixels{place} {wrong}; pixels must be 28 rows")
    (item,) = api.post("/v1/predict/batch", json={"items": [{"pixels": pixels}]}).json()["items"]
    assert item["error"]["detail"] == refused.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "location", "hint"),
    [
        ("/v1/predict", {"pixel": [0] * 784}, "body.pixel", "do you mean 'pixels'?"),
        ("/v1/predict", {"pixels": [0] * 784, "Scale": 1}, "body.Scale", "do you mean 'scale'?"),
        ("/v1/predict", {"pixels": [0] * 784, "model": "2"}, "body.model", "model goes into the query."),
        ("/v1/predict", {"picture": "x"}, "body.picture", "there are image, pixels, scale."),
        ("/v1/predict/batch", {"item": []}, "body.item", "do you mean 'items'?"),
        ("/v1/predict/batch", {"images": []}, "body.images", "there is only items."),
        ("/v1/predict/batch", {"items": [BLANK], "model": "2"}, "body.model", "model goes into the query."),
        ("/v1/predictions/feedback", {"prediction": "x", "digit": 7}, "body.prediction",
         "do you mean 'prediction_id'?"),
        ("/v1/predictions/feedback", {"image": "x", "label": 7}, "body.label", "do you mean 'digit'?"),
        ("/v1/predictions/feedback", {"pixels": [], "digt": 7}, "body.digt", "do you mean 'digit'?"),
        ("/v1/predictions/feedback", {"pixels": [], "model": "2"}, "body.model",
         "there are digit, prediction_id, image, pixels, scale."),
    ],
)  # fmt: skip
def test_unknown_field_of_a_picture_is_named_with_the_nearest(
    api: httpx.Client, path: str, body: dict[str, Any], location: str, hint: str
) -> None:
    refused = api.post(path, json=body)
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, location)
    assert refused.json()["detail"] == f"There is no such field; {hint}"


def test_form_says_what_it_holds_instead_and_does_not_ignore_a_version(api: httpx.Client) -> None:
    for path, field in (("/v1/predict", "file"), ("/v1/predict/batch", "files"), ("/v1/read", "file")):
        refused = api.post(path, files={"image": SEVEN.read_bytes()}, data={"token": "x"})
        assert refused.status_code == 422
        assert refused.json()["detail"].endswith(f"in the field '{field}'; its other fields: 'token', 'image'.")
        versioned = api.post(path, files={field: SEVEN.read_bytes()}, data={"model": "2"})
        assert (versioned.status_code, versioned.json()["errors"][0]["location"]) == (422, "body.model")
        assert "model goes into the query" in versioned.json()["detail"]
        assert api.post(path, files={field: SEVEN.read_bytes()}, data={"token": "x"}).status_code == 200


def test_unknown_model_is_404_and_a_known_one_answers(api: httpx.Client) -> None:
    picture = SEVEN.read_bytes()
    for name in ("99", "nobody", "\x00", "-1", "1e3", "٣"):
        assert api.post("/v1/predict", content=picture, headers=PNG, params={"model": name}).status_code == 404
    for name in ("1", "champion"):
        assert api.post("/v1/predict", content=picture, headers=PNG, params={"model": name}).json()["digit"] == 7


def test_pixels_on_a_scale_of_one_are_taken_with_it_and_named_without(api: httpx.Client) -> None:
    whole = [255 if 10 < number % 28 < 17 and 5 < number // 28 < 23 else 0 for number in range(784)]
    unit = [value / 255 for value in whole]
    expected = api.post("/v1/predict", json={"pixels": whole}).json()
    found = api.post("/v1/predict", json={"pixels": unit, "scale": 1}).json()
    assert found["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
    refused = api.post("/v1/predict", json={"pixels": unit})
    assert refused.status_code == 422
    assert '"scale": 1' in refused.json()["detail"]
    assert refused.json()["errors"][0]["location"] == "body.pixels"
    for wrong, place in (({"pixels": whole, "scale": 1}, "pixels"), ({"pixels": unit, "scale": 2}, "scale")):
        answer = api.post("/v1/predict", json=wrong)
        assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, f"body.{place}")
    dark = api.post("/v1/predict", json={"pixels": [255 - value for value in whole]}).json()
    assert (dark["accepted"], dark["reason"]) == (False, "dark_on_light")


def test_explanation_has_the_saliency_and_a_sheet_for_each_layer(api: httpx.Client) -> None:
    plain = api.post("/v1/predict", content=SEVEN.read_bytes(), headers=PNG).json()
    answer = api.post("/v1/predict?explain=true&debug=1", content=SEVEN.read_bytes(), headers=PNG)
    assert 20_000 < len(answer.content) < 80_000
    prediction = answer.json()
    explanation, picture = prediction.pop("explanation"), open_data_url(prediction["image"]["png"])
    assert prediction["probabilities"] == plain["probabilities"]
    saliency = np.array(explanation["saliency"])
    assert saliency.shape == (28, 28)
    assert np.abs(saliency[picture > 0]).mean() > 5 * np.abs(saliency[picture == 0]).mean()
    shapes = {
        layer["name"]: (layer["channels"], layer["height"], layer["width"]) for layer in explanation["activations"]
    }
    assert (shapes["conv1"], shapes["pool2"], shapes["average"]) == ((16, 26, 26), (16, 4, 4), (32, 1, 1))
    classifier = DigitClassifier.load(SHIPPED / "model.onnx")
    expected = classifier.activations(picture[None, None].astype(np.float32) / 255)
    for layer in explanation["activations"]:
        sheet = open_data_url(layer["sheet"]).astype(float)
        step = (layer["high"] - layer["low"]) / 255
        for number, channel in enumerate(expected[layer["name"]][0]):
            top, left = number // 8 * layer["height"], number % 8 * layer["width"]
            levels = sheet[top : top + layer["height"], left : left + layer["width"]]
            assert np.abs(layer["low"] + levels * step - channel).max() <= 0.51 * step, layer["name"]


def test_pixels_can_be_explained_and_an_unknown_value_of_explain_is_refused(api: httpx.Client) -> None:
    pixels = np.zeros((28, 28), int)
    pixels[5:23, 14:16] = 255
    found = api.post("/v1/predict?explain=True", json={"pixels": pixels.tolist()}).json()
    assert (found["digit"], found["image"]) == (1, None)
    assert np.array(found["explanation"]["saliency"])[10, 14] > 0
    refused = api.post("/v1/predict?explain=maybe", json={"pixels": pixels.tolist()})
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, "query.explain")


def open_data_url(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))
