"""Decodes requests about pictures: raw bytes, multipart forms, JSON with base64 or pixels.

The body is received on the event loop. What may take long (parsing it, opening pictures) is put into a function, which
the predictor calls at once if it is fast, and in a thread otherwise.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import orjson
from anyio import to_thread
from starlette.requests import Request

from app.api.forms import read_field
from app.api.headers import find_media_type
from app.api.json_limits import JsonLimits, not_json, require_within, wrong_media_type
from app.api.raw_route import read_body
from app.api.request_context import read_context
from app.api.schemas.pictures import MAX_MODEL_LENGTH, MAX_PICTURES, PICTURE_TYPES
from app.errors import InvalidInput, UnsupportedMediaType
from app.serving.model_cache import CHAMPION
from app.serving.preparation import PictureReader, Pixels
from app.serving.request_context import RequestContext
from app.validation_messages import nearest, show
from models.pictures.encoded import EncodedPicture, examine

ONE_PICTURE = JsonLimits(commas=4 * 28 * 28, brackets=4 * 32, colons=32)
MANY_PICTURES = JsonLimits(*(MAX_PICTURES * limit for limit in (2 * 28 * 28, 64, 8)))
MAX_NAME = 40  # characters of an unknown field in a message
PICTURE_FIELDS = ("image", "pixels", "scale")
FEEDBACK_FIELDS = ("digit", "prediction_id", *PICTURE_FIELDS)
ITEMS = ({"image"}, {"pixels"}, {"pixels", "scale"})
SCALES = (1, 255)
FLAG_VALUES = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}
PREDICTION_ID = re.compile(r"[0-9a-f-]{36}")


class PictureRequest(NamedTuple):
    """A request about one picture."""

    read: PictureReader
    size_bytes: int
    model: str
    context: RequestContext
    is_debug: bool
    is_explained: bool


class BatchRequest(NamedTuple):
    """A request about several pictures."""

    split: Callable[[], Iterable[PictureReader]]
    model: str
    context: RequestContext


class FeedbackRequest(NamedTuple):
    """Which digit a picture shows: that of an earlier prediction, or one that `read` gives."""

    digit: int
    prediction_id: str | None
    read: PictureReader
    size_bytes: int
    context: RequestContext


async def decode_request(request: Request) -> PictureRequest:
    """Raises UnsupportedMediaType, InvalidInput."""
    model, context, flags = _model(request), read_context(request), (_flag(request, "debug"), _flag(request, "explain"))
    media_type = find_media_type(request.scope)
    if media_type == "multipart/form-data":
        content = (await _uploads(request, "file", limit=1))[0]
        return PictureRequest(partial(_read_bytes, content, "body"), len(content), model, context, *flags)
    if media_type not in (*PICTURE_TYPES, "application/octet-stream", "application/json"):
        raise _unsupported(media_type, PICTURE_TYPES)
    content = await read_body(request)
    read = _read_json if media_type == "application/json" else partial(_read_bytes, location="body")
    return PictureRequest(partial(read, content), len(content), model, context, *flags)


async def decode_batch_request(request: Request) -> BatchRequest:
    """Raises UnsupportedMediaType, InvalidInput."""
    model, context = _model(request), read_context(request)
    media_type = find_media_type(request.scope)
    if media_type == "multipart/form-data":
        files = await _uploads(request, "files", limit=MAX_PICTURES)
        readers = [partial(_read_bytes, file, f"body.files.{number}") for number, file in enumerate(files)]
        return BatchRequest(lambda: readers, model, context)
    if media_type != "application/json":
        raise _unsupported(media_type, ())
    return BatchRequest(partial(_split_json, await read_body(request)), model, context)


async def decode_feedback_request(request: Request) -> FeedbackRequest:
    """Raises UnsupportedMediaType, InvalidInput."""
    context, media_type = read_context(request), find_media_type(request.scope)
    if media_type != "application/json":
        raise wrong_media_type(media_type)
    body = await read_body(request)
    item = await to_thread.run_sync(_parse_json, body, ONE_PICTURE)
    _refuse_unknown(item, FEEDBACK_FIELDS, "body")
    if not isinstance(item, dict) or "digit" not in item or len(item) < 2:
        raise InvalidInput(
            'Give the right "digit", and one of "pixels", "image" and "prediction_id", and nothing else.',
            location="body",
        )
    digit, prediction_id = item.pop("digit"), item.get("prediction_id")
    if type(digit) is not int or not 0 <= digit <= 9:
        raise InvalidInput("digit must be a whole number from 0 to 9.", location="body.digit")
    if "prediction_id" in item and len(item) > 1:
        raise InvalidInput("Give prediction_id or a picture, not both.", location="body")
    if "prediction_id" in item and not (isinstance(prediction_id, str) and PREDICTION_ID.fullmatch(prediction_id)):
        raise InvalidInput("prediction_id must be the `id` of a prediction.", location="body.prediction_id")
    return FeedbackRequest(digit, prediction_id, partial(_read_item, item, "body"), len(body), context)


def _model(request: Request) -> str:
    name: str = request.query_params.get("model", CHAMPION) if request.scope["query_string"] else CHAMPION
    if len(name) > MAX_MODEL_LENGTH:
        raise InvalidInput(
            f"model must be a version or an alias of at most {MAX_MODEL_LENGTH} letters.", location="query.model"
        )
    return name


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "false") if request.scope["query_string"] else "false"
    if value not in FLAG_VALUES:
        raise InvalidInput(f"{name} must be true or false.", location=f"query.{name}")
    return FLAG_VALUES[value]


def _read_json(body: bytes) -> EncodedPicture | Pixels:
    return _read_item(_parse_json(body, ONE_PICTURE), "body")


def _split_json(body: bytes) -> Iterable[PictureReader]:
    """A reader for each of up to 256 items, so that each can fail in its own place."""
    document = _parse_json(body, MANY_PICTURES)
    _refuse_unknown(document, ("items",), "body")
    if not isinstance(document, dict) or set(document) != {"items"} or not isinstance(document["items"], list):
        raise InvalidInput('The body must be {"items": [...]} and nothing else.', location="body")
    items = document["items"]
    if not 1 <= len(items) <= MAX_PICTURES:
        raise InvalidInput(f"items must hold 1 to {MAX_PICTURES} pictures, not {len(items)}.", location="body.items")
    return [partial(_read_item, item, f"body.items.{number}") for number, item in enumerate(items)]


def _refuse_unknown(item: Any, known: Sequence[str], location: str) -> None:
    """Raise InvalidInput for a field of an object that is none of the known ones."""
    for name in item if isinstance(item, dict) else ():
        if name in known:
            continue
        if name == "model" and known is not FEEDBACK_FIELDS:
            hint = "model goes into the query."
        elif guess := nearest(name, known):
            hint = f"do you mean '{guess}'?"
        else:
            hint = f"there {'is only' if len(known) == 1 else 'are'} {', '.join(known)}."
        raise InvalidInput(f"There is no such field; {hint}", location=f"{location}.{name[:MAX_NAME]}")


def _read_bytes(content: bytes, location: str) -> EncodedPicture:
    """Raises InvalidInput, PictureRefused, PictureTooLarge."""
    return examine(_not_empty(content, location))


def _read_item(item: Any, location: str) -> EncodedPicture | Pixels:
    """The picture of `{"image": base64}` or `{"pixels": [...]}`. Raises as `_read_bytes`."""
    if not isinstance(item, dict) or item.keys() not in ITEMS:
        _refuse_unknown(item, PICTURE_FIELDS, location)
        raise InvalidInput(
            'Give either {"image": base64} or {"pixels": [...]}, the latter with "scale" if need be, and nothing else.',
            location=location,
        )
    if "pixels" in item:
        return _read_pixels(item["pixels"], item.get("scale"), location)
    return examine(_decode_base64(item["image"], f"{location}.image"))


def _read_pixels(values: Any, scale: Any, location: str) -> Pixels:
    """28 rows of 28 numbers or 784 numbers, 0 to `scale` (255 if it is None), as float32 (28, 28) of 0..255."""
    rows = values if isinstance(values, list) else []
    if len(rows) == 28 and all(isinstance(row, list) and len(row) == 28 for row in rows):
        rows = [value for row in rows for value in row]
    pixels = _as_pixels(rows, set(map(type, rows))) if len(rows) == 784 else None
    if pixels is None:
        place, wrong = _find_wrong_pixels(values)
        raise InvalidInput(
            f"pixels{place} {wrong}; pixels must be 28 rows of 28 numbers, or 784 numbers, each 0 to 255, bright ink "
            "on dark.",
            location=f"{location}.pixels{place}",
        )
    return _scale(pixels, scale, location).reshape(28, 28)


def _find_wrong_pixels(values: Any) -> tuple[str, str]:
    """Where the first fault in pixels is that are no picture, as the end of a location, and what it is."""
    if not isinstance(values, list):
        return "", f"is {show(values)}"
    if not any(isinstance(value, list) for value in values):
        return _find_wrong_number(values, "") if len(values) == 784 else ("", f"has {len(values)} numbers")
    if len(values) != 28:
        return "", f"has {len(values)} rows"
    for number, row in enumerate(values):
        if not isinstance(row, list):
            return f".{number}", f"is {show(row)}, no row"
        if len(row) != 28:
            return f".{number}", f"has {len(row)} numbers"
    return next(found for number, row in enumerate(values) if (found := _find_wrong_number(row, f".{number}"))[1])


def _find_wrong_number(numbers: list[Any], place: str) -> tuple[str, str]:
    for number, value in enumerate(numbers):
        if type(value) not in (int, float):
            return f"{place}.{number}", f"is {show(value)}, no number"
        if not 0 <= value <= 255:
            return f"{place}.{number}", f"is {show(value)}, {'below 0' if value < 0 else 'above 255'}"
    return place, ""


def _scale(pixels: Pixels, scale: Any, location: str) -> Pixels:
    """The pixels as 0..255. Raises InvalidInput where they are on another scale than they seem to be."""
    brightest = pixels.max()
    if scale is None:
        if 0 < brightest <= 1:
            raise InvalidInput(
                'All pixels lie within 0..1. If 1 is the brightest, add "scale": 1; otherwise send 0 to 255.',
                location=f"{location}.pixels",
            )
        return pixels
    if scale not in SCALES or isinstance(scale, bool):
        raise InvalidInput("scale must be 1 or 255: the number of the brightest ink.", location=f"{location}.scale")
    if brightest > scale:
        raise InvalidInput(
            f"With scale {scale}, pixels go from 0 to {scale}; one is {brightest:g}.", location=f"{location}.pixels"
        )
    return pixels * np.float32(255 / scale)


def _as_pixels(numbers: list[Any], types: set[type]) -> Pixels | None:
    """The numbers as float32; None if they are no numbers or outside of 0..255."""
    if types == {int}:
        try:
            return np.frombuffer(bytes(numbers), np.uint8).astype(np.float32)  # in a third of the time of np.array
        except ValueError:
            return None
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite
        pixels = np.array(numbers, np.float32) if types <= {int, float} else None
    return None if pixels is None or pixels.min() < 0 or pixels.max() > 255 else pixels


def _decode_base64(text: Any, location: str) -> bytes:
    if not isinstance(text, str):
        raise InvalidInput("image must be a string of base64 or a data URL.", location=location)
    if text.startswith("data:"):
        head, _, text = text.partition(",")
        if not head.endswith(";base64"):
            raise InvalidInput("A data URL must be of base64: data:image/png;base64,...", location=location)
    try:
        return _not_empty(base64.b64decode("".join(text.split()), validate=True), location)
    except (binascii.Error, ValueError):
        raise InvalidInput("image is not base64 as of RFC 4648, section 4.", location=location) from None


def _parse_json(body: bytes, limits: JsonLimits) -> Any:
    require_within(body, limits)
    try:
        return orjson.loads(_not_empty(body, "body"))
    except orjson.JSONDecodeError as error:
        raise not_json(body, error) from None


async def _uploads(request: Request, field: str, *, limit: int) -> list[bytes]:
    return read_field(await read_body(request), request.headers["content-type"], field, limit=limit)


def _not_empty(content: bytes, location: str) -> bytes:
    if not content:
        raise InvalidInput("There is nothing in it: send a picture.", location=location)
    return content


def _unsupported(media_type: str, pictures: tuple[str, ...]) -> UnsupportedMediaType:
    readable = ", ".join((*pictures, "multipart/form-data", "application/json"))
    return UnsupportedMediaType(
        f"A body of type {media_type or '(none given)'} cannot be read here. Set Content-Type to one of: {readable}.",
        location="header.Content-Type",
    )
