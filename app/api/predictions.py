"""/v1/predict: which digit is it?"""

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image

from app.api import schemas
from app.api.dependencies import PartsDependency
from app.api.error_handlers import describe
from app.api.pictures import MAX_PICTURES, PICTURE_TYPES, Input, Pixels, read_many, read_one
from app.errors import AppError
from app.serving.classifiers import CHAMPION, Classifiers, ServedModel
from models.errors import ModelError
from models.preprocessing import Normalised, normalise

router = APIRouter(prefix="/v1/predict", tags=["prediction"])

LEAST_CONFIDENCE = 0.5  # below it the answer is a guess
INLINE_PIXELS = 64 * 64  # a picture this small costs less to decode than a thread costs to reach

ModelName = Annotated[str, Query(alias="model", max_length=40, description="a version or an alias")]

_PIXELS = {
    "oneOf": [
        {"type": "array", "minItems": 28, "maxItems": 28, "items": {"type": "array", "minItems": 28, "maxItems": 28,
         "items": {"type": "number", "minimum": 0, "maximum": 255}}},
        {"type": "array", "minItems": 784, "maxItems": 784, "items": {"type": "number", "minimum": 0, "maximum": 255}},
    ]
}  # fmt: skip
_ITEM = {
    "oneOf": [
        {"type": "object", "additionalProperties": False, "required": ["image"],
         "properties": {"image": {"type": "string", "minLength": 1, "description": "base64 or a data URL"}}},
        {"type": "object", "additionalProperties": False, "required": ["pixels"], "properties": {"pixels": _PIXELS}},
    ]
}  # fmt: skip
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def _form(field: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"schema": {"type": "object", "required": [field], "properties": {field: schema}}}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "",
    response_model=schemas.Prediction,
    openapi_extra=_body(
        dict.fromkeys(PICTURE_TYPES, _BINARY)
        | {"multipart/form-data": _form("file", _BINARY["schema"]), "application/json": {"schema": _ITEM}}
    ),
)
async def predict(request: Request, parts: PartsDependency, model: ModelName = CHAMPION) -> dict[str, Any]:
    """The digit in one picture: the picture itself as the body, a form with `file`, or JSON."""
    served = await _choose(parts.classifiers, model)
    picture = await read_one(request)
    if isinstance(picture.content, Image.Image) and _is_large(picture.content):
        return await run_in_threadpool(_predict, served, picture)
    return _predict(served, picture)


@router.post(
    "/batch",
    response_model=schemas.BatchPrediction,
    openapi_extra=_body(
        {
            "multipart/form-data": _form("files", {"type": "array", "minItems": 1, "items": _BINARY["schema"]}),
            "application/json": {
                "schema": {"type": "object", "additionalProperties": False, "required": ["items"], "properties": {
                    "items": {"type": "array", "minItems": 1, "maxItems": MAX_PICTURES, "items": _ITEM}}}
            },
        }
    ),
)  # fmt: skip
async def predict_batch(request: Request, parts: PartsDependency, model: ModelName = CHAMPION) -> dict[str, Any]:
    """The digits in up to 256 pictures, in order; one that cannot be read leaves an error in its own place."""
    served = await _choose(parts.classifiers, model)
    readers = await read_many(request)
    return {"items": await run_in_threadpool(lambda: [_attempt(served, read) for read in readers])}


async def _choose(classifiers: Classifiers, name: str) -> ServedModel:
    if name == CHAMPION:
        return classifiers.champion
    return await run_in_threadpool(classifiers.get, name)


def _attempt(served: ServedModel, read: Callable[[], Input]) -> dict[str, Any]:
    try:
        return _predict(served, read())
    except (AppError, ModelError) as error:
        return {"error": {"title": describe(error)["title"], "detail": str(error)}}


def _predict(served: ServedModel, picture: Input) -> dict[str, Any]:
    if isinstance(picture.content, Image.Image):
        normalised = normalise(picture.content)
        pixels: Pixels = normalised.image.astype(np.float32)
    else:
        normalised, pixels = None, picture.content
    probabilities = served.classifier.predict(pixels[None])[0]
    digit = int(probabilities.argmax())
    reason = _doubt(pixels, float(probabilities[digit]))
    return {
        "digit": digit,
        "confidence": float(probabilities[digit]),
        "probabilities": probabilities.tolist(),
        "accepted": reason is None,
        "reason": reason,
        "model": {"version": served.version},
        "image": _report(normalised) if normalised else None,
    }


def _doubt(pixels: Pixels, confidence: float) -> str | None:
    if pixels.max() == 0:
        return "blank"
    return "ambiguous" if confidence < LEAST_CONFIDENCE else None


def _report(picture: Normalised) -> dict[str, Any]:
    names = ("inverted", "box", "scale", "shift", "ink")
    return {name: getattr(picture, name) for name in names}


def _is_large(picture: Image.Image) -> bool:
    return picture.width * picture.height > INLINE_PIXELS
