"""/v1/predict: which digit is it?"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import numpy as np
from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image

from app.api import schemas
from app.api.dependencies import Parts, PartsDependency
from app.api.error_handlers import describe
from app.api.picture_schemas import BINARY, ITEM, body, form
from app.api.pictures import MAX_PICTURES, PICTURE_TYPES, Pixels, Sent, read_one, split_many, take_many, take_one
from app.errors import AppError
from app.serving.classifiers import CHAMPION, Classifiers, ServedModel
from models.errors import ModelError
from models.preprocessing import Normalised, normalise

router = APIRouter(prefix="/v1/predict", tags=["prediction"])

LEAST_CONFIDENCE = 0.5  # below it the answer is a guess
INLINE_BYTES, INLINE_PIXELS = 16_384, 64 * 64  # what is this small takes less time than reaching a thread

Result = TypeVar("Result")
ModelName = Annotated[str, Query(alias="model", max_length=40, description="a version or an alias")]


@router.post(
    "",
    response_model=schemas.Prediction,
    openapi_extra=body(
        dict.fromkeys(PICTURE_TYPES, BINARY)
        | {"multipart/form-data": form("file", BINARY["schema"]), "application/json": {"schema": ITEM}}
    ),
)
async def predict(request: Request, parts: PartsDependency, model: ModelName = CHAMPION) -> dict[str, Any]:
    """The digit in one picture: the picture itself as the body, a form with `file`, or JSON."""
    served = await _choose(parts.classifiers, model)
    media_type, content = await take_one(request)
    if len(content) > INLINE_BYTES:
        return await _in_thread(parts, lambda: _predict(served, read_one(media_type, content)))
    picture = read_one(media_type, content)
    if isinstance(picture, Image.Image) and picture.width * picture.height > INLINE_PIXELS:
        return await _in_thread(parts, lambda: _predict(served, picture))
    return _predict(served, picture)


@router.post(
    "/batch",
    response_model=schemas.BatchPrediction,
    openapi_extra=body(
        {
            "multipart/form-data": form("files", {"type": "array", "minItems": 1, "items": BINARY["schema"]}),
            "application/json": {
                "schema": {"type": "object", "additionalProperties": False, "required": ["items"], "properties": {
                    "items": {"type": "array", "minItems": 1, "maxItems": MAX_PICTURES, "items": ITEM}}}
            },
        }
    ),
)  # fmt: skip
async def predict_batch(request: Request, parts: PartsDependency, model: ModelName = CHAMPION) -> dict[str, Any]:
    """The digits in up to 256 pictures, in order; one that cannot be read leaves an error in its own place."""
    served = await _choose(parts.classifiers, model)
    sent_body = await take_many(request)
    return {"items": await _in_thread(parts, lambda: [_attempt(served, sent) for sent in split_many(sent_body)])}


async def _choose(classifiers: Classifiers, name: str) -> ServedModel:
    if name == CHAMPION:
        return classifiers.champion
    return await run_in_threadpool(classifiers.get, name)


async def _in_thread(parts: Parts, work: Callable[[], Result]) -> Result:
    """Decode and predict beside the event loop, not too many at once."""
    return await to_thread.run_sync(work, limiter=parts.decoders)


def _attempt(served: ServedModel, sent: Sent) -> dict[str, Any]:
    try:
        return _predict(served, sent.read())
    except (AppError, ModelError) as error:
        return {"error": {"title": describe(error)["title"], "detail": str(error)}}


def _predict(served: ServedModel, picture: Image.Image | Pixels) -> dict[str, Any]:
    normalised = None
    if isinstance(picture, Image.Image):
        normalised = normalise(picture)
        picture = normalised.image.astype(np.float32)
    probabilities = served.classifier.predict(picture[None])[0]
    digit = int(probabilities.argmax())
    reason = _doubt(picture, float(probabilities[digit]))
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
    return None if confidence >= LEAST_CONFIDENCE else "ambiguous"


def _report(picture: Normalised) -> dict[str, Any]:
    names = ("inverted", "box", "scale", "shift", "ink")
    return {name: getattr(picture, name) for name in names}
