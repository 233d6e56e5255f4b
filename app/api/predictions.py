"""/v1/predict: which digit is it?"""

import base64
import io
from typing import Any, NamedTuple

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from app.api.dependencies import Parts
from app.api.error_handlers import describe
from app.api.middleware.fast_lane import BareRoute, json_response, parts_of
from app.api.pictures import MAX_PICTURES, PICTURE_TYPES, Pixels, Sent, read_one, split_many, take_many, take_one
from app.api.request_context import TIMEOUT_PARAMETER, read_turn
from app.api.schemas import everything as schemas
from app.api.schemas.pictures import BINARY, ITEM, body, form
from app.errors import AppError, InvalidInput
from app.serving.engine import Answer
from app.serving.model_cache import CHAMPION
from app.serving.request_context import Turn
from models.errors import ModelError
from models.inference.acceptance import doubt
from models.pictures.mnist_format import take_as_it_is
from models.pictures.normalisation import Normalised, normalise

router = APIRouter(prefix="/v1/predict", tags=["prediction"], route_class=BareRoute)

INLINE_BYTES, INLINE_PIXELS = 16_384, 64 * 64  # what is this small takes less time than reaching a thread
LONGEST_NAME = 40

PARAMETERS = {
    "parameters": [
        {"name": "model", "in": "query", "schema": {"type": "string", "maxLength": LONGEST_NAME, "default": CHAMPION},
         "description": "a version or an alias"},
        TIMEOUT_PARAMETER,
    ]
}  # fmt: skip
ONE_PICTURE = dict.fromkeys(PICTURE_TYPES, BINARY) | {
    "multipart/form-data": form("file", BINARY["schema"]),
    "application/json": {"schema": ITEM},
}
DEBUG = {"name": "debug", "in": "query", "schema": {"type": "boolean", "default": False},
         "description": "show the 28x28 picture that the network saw, as `image.png`"}  # fmt: skip


class Prepared(NamedTuple):
    """A picture as the network takes it."""

    pixels: Pixels  # (28, 28), 0..1
    normalised: Normalised | None  # how it was made; None for pixels, which are taken as they are


@router.post(
    "",
    response_model=schemas.Prediction,
    openapi_extra={"parameters": [*PARAMETERS["parameters"], DEBUG]} | body(ONE_PICTURE),
)
async def predict(request: Request) -> Response:
    """The digit in one picture: the picture itself as the body, a form with `file`, or JSON."""
    parts, name, turn, is_debug = parts_of(request), model_name(request), read_turn(request), read_debug(request)
    media_type, content = await take_one(request)
    await parts.engine.require_room()
    if len(content) > INLINE_BYTES:
        prepared = await parts.decoders.run(lambda: _prepare(read_one(media_type, content)), turn)
    else:
        picture = read_one(media_type, content)
        if isinstance(picture, Image.Image) and picture.width * picture.height > INLINE_PIXELS:
            prepared = await parts.decoders.run(lambda: _prepare(picture), turn)
        else:
            prepared = _prepare(picture)
    pixels = prepared.pixels[None, None]
    answer = await parts.engine.predict(name, pixels, deadline=turn.deadline, is_gone=turn.is_gone)
    prediction = _render(prepared, answer, answer.probabilities[0])
    _count(parts, prediction)
    if is_debug and prepared.normalised:
        prediction["image"]["png"] = as_data_url(_encode(prepared.normalised.image))
    return json_response(prediction)


@router.post(
    "/batch",
    response_model=schemas.BatchPrediction,
    openapi_extra=PARAMETERS
    | body(
        {
            "multipart/form-data": form("files", {"type": "array", "minItems": 1, "items": BINARY["schema"]}),
            "application/json": {
                "schema": {"type": "object", "additionalProperties": False, "required": ["items"], "properties": {
                    "items": {"type": "array", "minItems": 1, "maxItems": MAX_PICTURES, "items": ITEM}}}
            },
        }
    ),
)  # fmt: skip
async def predict_batch(request: Request) -> Response:
    """The digits in up to 256 pictures, in order; one that cannot be read leaves an error in its own place."""
    parts, name, turn = parts_of(request), model_name(request), read_turn(request)
    sent_body = await take_many(request)
    await parts.engine.require_room()
    found = await parts.decoders.run(lambda: _attempt_all(sent_body, turn), turn)
    readable = [each for each in found if isinstance(each, Prepared)]
    pixels = np.array([prepared.pixels for prepared in readable], np.float32).reshape(-1, 1, 28, 28)
    answer = await parts.engine.predict(name, pixels, deadline=turn.deadline, is_gone=turn.is_gone)
    rows = zip(readable, answer.probabilities, strict=True)
    predictions = [_render(prepared, answer, row) for prepared, row in rows]
    for prediction in predictions:
        _count(parts, prediction)
    rendered = iter(predictions)
    return json_response({"items": [next(rendered) if isinstance(each, Prepared) else each for each in found]})


def _attempt_all(body: list[bytes] | bytes, turn: Turn) -> list[Prepared | dict[str, Any]]:
    found = []
    for sent in split_many(body):
        turn.check()  # decoding many large pictures takes seconds
        found.append(_attempt(sent))
    return found


def _count(parts: Parts, prediction: dict[str, Any]) -> None:
    accepted = "true" if prediction["accepted"] else "false"
    parts.metrics.predicted(prediction["model"]["version"], prediction["digit"], accepted)


def model_name(request: Request) -> str:
    name: str = request.query_params.get("model", CHAMPION) if request.scope["query_string"] else CHAMPION
    if len(name) > LONGEST_NAME:
        raise InvalidInput(
            f"model must be a version or an alias of at most {LONGEST_NAME} letters.", location="query.model"
        )
    return name


def read_debug(request: Request) -> bool:
    value = request.query_params.get("debug", "false") if request.scope["query_string"] else "false"
    if value not in ("true", "false"):
        raise InvalidInput("debug must be true or false.", location="query.debug")
    return value == "true"


def _prepare(picture: Image.Image | Pixels) -> Prepared:
    if isinstance(picture, Image.Image):
        normalised = take_as_it_is(picture) or normalise(picture)
        return Prepared(normalised.image.astype(np.float32) / np.float32(255), normalised)
    return Prepared(picture / np.float32(255), None)


def _attempt(sent: Sent) -> Prepared | dict[str, Any]:
    try:
        return _prepare(sent.read())
    except (AppError, ModelError) as error:
        return {"error": {"title": describe(error)["title"], "detail": str(error)}}


def _render(prepared: Prepared, answer: Answer, probabilities: Pixels) -> dict[str, Any]:
    digit = int(probabilities.argmax())
    reason = doubt(probabilities, prepared.pixels, answer.least_certainty, prepared.normalised)
    return {
        "digit": digit,
        "confidence": float(probabilities[digit]),
        "probabilities": probabilities.tolist(),
        "accepted": reason is None,
        "reason": reason,
        "model": {"version": answer.version},
        "image": _report(prepared.normalised) if prepared.normalised else None,
    }


def _report(picture: Normalised) -> dict[str, Any]:
    names = ("inverted", "box", "scale", "shift", "ink")
    return {name: getattr(picture, name) for name in names}


def _encode(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def as_data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
