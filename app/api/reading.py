"""/v1/read: which digits are on the page?"""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.accept import prefers
from app.api.dependencies import get_services
from app.api.documented_errors import errors
from app.api.picture_requests import decode_request
from app.api.raw_route import PictureRoute
from app.api.responses import as_data_url, json_response
from app.api.schemas import predictions as schemas
from app.api.schemas.media import sends
from app.api.schemas.pictures import ONE_PICTURE, flag, operation
from app.errors import DeadlineExceeded, ModelNotFound, Overloaded
from app.serving.predictor import Reading
from models.errors import PictureRefused, PictureTooLarge
from models.inference.reading import ReadDigit
from models.pictures.overlay import draw_boxes

router = APIRouter(prefix="/v1/read", tags=["prediction"], route_class=PictureRoute)

DEBUG = flag("debug", "add the picture with the boxes, as `plot`; `Accept: image/png` answers with it alone")


@router.post(
    "",
    response_model=schemas.Reading,
    responses=sends("image/png") | errors(ModelNotFound, PictureTooLarge, PictureRefused, Overloaded, DeadlineExceeded),
    openapi_extra=operation(ONE_PICTURE, DEBUG),
)
async def read_digits(request: Request) -> Response:
    """The digits in one picture, up to 100, line by line: numbers side by side, touching ones too."""
    services, asked = get_services(request), await decode_request(request)
    reading = await services.predictor.lines(asked.read, model=asked.model, context=asked.context)
    is_picture = prefers(request.headers.get("accept", ""), "image/png")
    if not is_picture and not asked.is_debug:
        return json_response(_encode_reading(reading))
    plot = await services.preparation.medium.run(lambda: _draw(reading), asked.context)
    if is_picture:
        return Response(plot, media_type="image/png")
    return json_response(_encode_reading(reading) | {"plot": as_data_url(plot)})


def _draw(reading: Reading) -> bytes:
    digits = [(digit.box, str(digit.digit), digit.reason is None) for line in reading.lines for digit in line]
    return draw_boxes(reading.segmentation.upright, digits, reduction=reading.segmentation.reduction)


def _encode_reading(reading: Reading) -> dict[str, Any]:
    lines = [
        {"text": " ".join(groups), "groups": groups, "digits": [_encode_digit(digit) for digit in line]}
        for line, groups in ((line, _groups(line)) for line in reading.lines)
    ]
    return {
        "text": "\n".join(str(line["text"]) for line in lines),
        "lines": lines,
        "digits": [digit for line in lines for digit in line["digits"]],
        "model": {"version": reading.version},
    }


def _groups(line: list[ReadDigit]) -> list[str]:
    """The numbers of a line: the digits between its dashes."""
    groups: list[str] = []
    for digit in line:
        if not groups or digit.follows_dash:
            groups.append("")
        groups[-1] += str(digit.digit)
    return groups


def _encode_digit(digit: ReadDigit) -> dict[str, Any]:
    return {
        "digit": digit.digit,
        "confidence": digit.confidence,
        "box": digit.box,
        "accepted": digit.reason is None,
        "reason": digit.reason,
    }
