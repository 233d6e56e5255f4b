"""/v1/read: which digits are on the page?"""

from typing import Any

import numpy as np
from fastapi import APIRouter
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from app.api.accept import prefers
from app.api.middleware.fast_lane import BareRoute, json_response, parts_of
from app.api.pictures import read_one, take_one
from app.api.predictions import DEBUG, ONE_PICTURE, PARAMETERS, as_data_url, model_name, read_debug
from app.api.request_context import read_turn
from app.api.schemas import everything as schemas
from app.api.schemas.pictures import body
from models.inference.line_reader import LineReader
from models.inference.reading import ReadDigit, Segmentation, choose, segment
from models.pictures.boxes import draw_boxes

router = APIRouter(prefix="/v1/read", tags=["prediction"], route_class=BareRoute)

SHOW = DEBUG | {"description": "add the picture with the boxes, as `plot`; `Accept: image/png` answers with it alone"}


@router.post(
    "",
    response_model=schemas.Reading,
    responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
    openapi_extra={"parameters": [*PARAMETERS["parameters"], SHOW]} | body(ONE_PICTURE),
)
async def read(request: Request) -> Response:
    """The digits in one picture, up to 100, line by line: numbers side by side, touching ones too."""
    parts, name, turn, is_debug = parts_of(request), model_name(request), read_turn(request), read_debug(request)
    media_type, content = await take_one(request)
    await parts.engine.require_room()
    found = await parts.decoders.run(lambda: _segment(media_type, content, parts.line_reader), turn)
    answer = await parts.engine.predict(name, found.pixels(), deadline=turn.deadline, is_gone=turn.is_gone)
    lines = choose(found, answer.probabilities, answer.least_certainty)
    for digit in (digit for line in lines for digit in line):
        parts.metrics.predicted(answer.version, digit.digit, "true" if digit.reason is None else "false")
    is_picture = prefers(request.headers.get("accept", ""), "image/png")
    plot = await parts.decoders.run(lambda: _draw(found, lines), turn) if is_picture or is_debug else b""
    if is_picture:
        return Response(plot, media_type="image/png")
    reading = _render(lines) | {"model": {"version": answer.version}}
    return json_response(reading | {"plot": as_data_url(plot)} if is_debug else reading)


def _segment(media_type: str, content: bytes, reader: LineReader) -> Segmentation:
    picture = read_one(media_type, content)
    if not isinstance(picture, Image.Image):
        picture = Image.fromarray(picture.round().astype(np.uint8))
    return segment(picture, reader)


def _draw(found: Segmentation, lines: list[list[ReadDigit]]) -> bytes:
    digits = [(digit.box, str(digit.digit), digit.reason is None) for line in lines for digit in line]
    return draw_boxes(found.upright, digits, reduction=found.reduction)


def _render(lines: list[list[ReadDigit]]) -> dict[str, Any]:
    rendered = [
        {"text": "".join(str(digit.digit) for digit in line), "digits": [_render_digit(digit) for digit in line]}
        for line in lines
    ]
    return {
        "text": "\n".join(str(line["text"]) for line in rendered),
        "lines": rendered,
        "digits": [digit for line in rendered for digit in line["digits"]],
    }


def _render_digit(digit: ReadDigit) -> dict[str, Any]:
    return {
        "digit": digit.digit,
        "confidence": digit.confidence,
        "box": digit.box,
        "accepted": digit.reason is None,
        "reason": digit.reason,
    }
