"""/v1/predictions/feedback: which digit it was, for the data set `feedback`."""

import numpy as np
from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from app.api.dependencies import get_services
from app.api.documented_errors import errors
from app.api.links import link
from app.api.picture_requests import FeedbackRequest, decode_feedback_request
from app.api.raw_route import PictureRoute
from app.api.responses import json_response
from app.api.schemas import datasets as schemas
from app.api.schemas.media import answers, headers
from app.datasets import feedback
from app.errors import DatasetFull, DeadlineExceeded, Overloaded, PredictionNotKept
from app.importing.importer import NOT_USABLE
from app.services import Services
from models.errors import PictureRefused, PictureTooLarge

router = APIRouter(prefix="/v1/predictions", tags=["datasets"], route_class=PictureRoute)


@router.post(
    "/feedback",
    status_code=201,
    response_model=schemas.Feedback,
    responses=answers(201, headers=headers("Location"))
    | errors(PredictionNotKept, DatasetFull, PictureTooLarge, PictureRefused, Overloaded, DeadlineExceeded),
    openapi_extra=schemas.FEEDBACK,
)
async def give_feedback(request: Request) -> Response:
    """Say which digit a picture shows; it is normalised as for a prediction, and added to the data set `feedback`.

    `prediction_id` is the `id` of an earlier prediction, where the service keeps pictures (NUMERAL_KEEP_PREDICTIONS).
    """
    services, asked = get_services(request), await decode_feedback_request(request)
    image = await _find_picture(services, asked)
    dataset = await run_in_threadpool(feedback.add, services.sessions, image, asked.digit)
    total = sum(dataset.counts.values())
    response = json_response(
        {"dataset": dataset.name, "digit": asked.digit, "pictures": total, "sha256": dataset.sha256}
    )
    response.status_code, response.headers["Location"] = 201, link(f"/v1/datasets/{dataset.name}")
    return response


async def _find_picture(services: Services, asked: FeedbackRequest) -> NDArray[np.uint8]:
    """The picture (28, 28) that the feedback is about. Raises PredictionNotKept, InvalidInput, PictureRefused."""
    if asked.prediction_id is not None:
        return await run_in_threadpool(services.kept_predictions.find, asked.prediction_id)
    prepared = await services.preparation.prepare(asked.read, asked.size_bytes, asked.context)
    image = (prepared.pixels * 255).round().astype(np.uint8)
    reason = prepared.normalised.rejection_reason if prepared.normalised else None
    if reason is None and not image.any():
        reason = "blank"
    if reason is not None:
        raise PictureRefused(f"The picture is not added to the data set. {NOT_USABLE[reason]}")
    return image
