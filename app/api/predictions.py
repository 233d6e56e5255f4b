"""/v1/predict: which digit is it?"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.dependencies import get_services
from app.api.documented_errors import errors
from app.api.error_handlers import describe
from app.api.explanations import encode_explanation
from app.api.picture_requests import decode_batch_request, decode_request
from app.api.raw_route import PictureRoute
from app.api.responses import as_data_url, encode_png, json_response
from app.api.schemas import predictions as schemas
from app.api.schemas.pictures import MANY_PICTURES, ONE_PICTURE, flag, operation
from app.errors import DeadlineExceeded, ModelNotFound, Overloaded
from app.serving.predictor import Prediction
from models.errors import PictureRefused, PictureTooLarge
from models.pictures.mnist_format import Normalised
from models.pictures.overlay import draw_ink

router = APIRouter(prefix="/v1/predict", tags=["prediction"], route_class=PictureRoute)

DEBUG = flag("debug", "show what was seen: `image.png`, `image.overlay` and `image.hypotheses`")
EXPLAIN = flag("explain", "add `explanation`: which ink counted how much, and what each layer computed; 25 to 30 kB")


@router.post(
    "",
    response_model=schemas.Prediction,
    responses=errors(ModelNotFound, PictureTooLarge, PictureRefused, Overloaded, DeadlineExceeded),
    openapi_extra=operation(ONE_PICTURE, DEBUG, EXPLAIN),
)
async def predict(request: Request) -> Response:
    """The digit in one picture: the picture itself as the body, a form with `file`, or JSON."""
    services, asked = get_services(request), await decode_request(request)
    prediction = await services.predictor.one(
        asked.read,
        size_bytes=asked.size_bytes,
        model=asked.model,
        context=asked.context,
        has_evidence=asked.is_debug,
    )
    document = _encode_prediction(prediction)
    if asked.is_debug and prediction.normalised is not None:
        shown = partial(_encode_evidence, prediction.normalised)
        document["image"] |= await services.preparation.medium.run(shown, asked.context)
    if asked.is_explained:
        explanation = await services.predictor.explain(prediction, asked.context)
        written = partial(encode_explanation, explanation)
        document["explanation"] = await services.preparation.medium.run(written, asked.context)
    return json_response(document)


@router.post(
    "/batch",
    response_model=schemas.BatchPrediction,
    responses=errors(ModelNotFound, Overloaded, DeadlineExceeded),
    openapi_extra=operation(MANY_PICTURES),
)
async def predict_batch(request: Request) -> Response:
    """The digits in up to 256 pictures, in order; one that cannot be read leaves an error in its own place."""
    asked = await decode_batch_request(request)
    found = await get_services(request).predictor.many(asked.split, model=asked.model, context=asked.context)
    return encode_batch_response(found)


def encode_batch_response(found: Sequence[Prediction | Exception]) -> Response:
    items = [_encode_prediction(each) if isinstance(each, Prediction) else _encode_error(each) for each in found]
    return json_response({"items": items})


def _encode_prediction(prediction: Prediction) -> dict[str, Any]:
    picture, digit = prediction.normalised, prediction.digit
    document = {
        "digit": digit,
        "confidence": float(prediction.probabilities[digit]),
        "probabilities": prediction.probabilities.tolist(),
        "accepted": prediction.reason is None,
        "reason": prediction.reason,
        "model": {"version": prediction.version},
        "image": _encode_normalised(picture) if picture else None,
    }
    if prediction.id is not None:
        document["id"] = prediction.id
    return document


def _encode_normalised(picture: Normalised) -> dict[str, Any]:
    return {
        "inverted": picture.is_inverted,
        "box": picture.box,
        "scale": picture.scale,
        "shift": picture.shift,
        "ink": picture.ink_share,
    }


def _encode_evidence(normalised: Normalised) -> dict[str, Any]:
    """The 28x28 picture; and unless it was sent as such, the ink in the picture, and what else might be the digit."""
    shown: dict[str, Any] = {"png": as_data_url(encode_png(normalised.image))}
    if evidence := normalised.evidence:
        shown["overlay"] = as_data_url(draw_ink(normalised, evidence))
        shown["hypotheses"] = [
            {"box": box, "score": score, "chosen": is_chosen} for box, score, is_chosen in evidence.hypotheses
        ]
    return shown


def _encode_error(error: Exception) -> dict[str, Any]:
    return {"error": {"title": describe(error)["title"], "detail": str(error)}}
