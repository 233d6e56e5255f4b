"""Reads pictures out of request bodies: raw bytes, multipart forms, JSON with base64 or pixels.

What the client sent is taken in on the event loop; decoding it (`Sent.read`) may take long and can be done in a thread.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from fastapi import Request
from numpy.typing import NDArray
from PIL import Image
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from app.api.middleware.fast_lane import read_body
from app.errors import InvalidInput, UnsupportedMediaType
from models.pictures.normalisation import read_picture

PICTURE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif")
MAX_PICTURES = 256
MOST_MARKS = 2 * MAX_PICTURES * 28 * 28  # commas and brackets in JSON, twice what is needed: parsing takes time

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Sent:
    """One thing to predict, as it came: the bytes of a picture, or an item of a JSON body."""

    content: bytes | Any
    location: str  # of it in the request

    def read(self) -> Image.Image | Pixels:
        """A picture still to be normalised, or 28x28 pixels to be taken as they are.

        Raises InvalidInput, PictureRefused, PictureTooLarge.
        """
        if not isinstance(self.content, bytes):
            return read_item(self.content, self.location)
        return read_picture(_not_empty(self.content, self.location))


async def take_one(request: Request) -> tuple[str, bytes]:
    """The media type and the bytes of what holds one picture. Raises UnsupportedMediaType, InvalidInput."""
    media_type = _media_type(request)
    if media_type == "multipart/form-data":
        return "application/octet-stream", (await _uploads(request, "file", limit=1))[0]
    if media_type in (*PICTURE_TYPES, "application/octet-stream", "application/json"):
        return media_type, await read_body(request)
    raise _unsupported(media_type, PICTURE_TYPES)


def read_one(media_type: str, body: bytes) -> Image.Image | Pixels:
    """The picture of such a body. Raises InvalidInput, PictureRefused, PictureTooLarge."""
    return Sent(_parse_json(body) if media_type == "application/json" else body, "body").read()


async def take_many(request: Request) -> list[bytes] | bytes:
    """Uploaded pictures, or a JSON body that holds some. Raises UnsupportedMediaType, InvalidInput."""
    media_type = _media_type(request)
    if media_type == "multipart/form-data":
        return await _uploads(request, "files", limit=MAX_PICTURES)
    if media_type != "application/json":
        raise _unsupported(media_type, ())
    return await read_body(request)


def split_many(body: list[bytes] | bytes) -> list[Sent]:
    """Up to 256 things to predict, each to be read by itself, so that each can fail in its own place."""
    if isinstance(body, list):
        return [Sent(content, f"body.files.{number}") for number, content in enumerate(body)]
    document = _parse_json(body)
    if not isinstance(document, dict) or set(document) != {"items"} or not isinstance(document["items"], list):
        raise InvalidInput('The body must be {"items": [...]} and nothing else.', location="body")
    items = document["items"]
    if not 1 <= len(items) <= MAX_PICTURES:
        raise InvalidInput(f"items must hold 1 to {MAX_PICTURES} pictures, not {len(items)}.", location="body.items")
    return [Sent(item, f"body.items.{number}") for number, item in enumerate(items)]


def read_item(item: Any, location: str) -> Image.Image | Pixels:
    """The picture of `{"image": base64}` or `{"pixels": [...]}`."""
    if not isinstance(item, dict) or len(item) != 1 or not set(item) <= {"image", "pixels"}:
        raise InvalidInput('Give either {"image": base64} or {"pixels": [...]} and nothing else.', location=location)
    if "pixels" in item:
        return read_pixels(item["pixels"], f"{location}.pixels")
    return read_picture(_decode_base64(item["image"], f"{location}.image"))


def read_pixels(values: Any, location: str) -> Pixels:
    """28 rows of 28 numbers or 784 numbers, 0..255, as float32 (28, 28)."""
    rows = values if isinstance(values, list) else []
    if len(rows) == 28 and all(isinstance(row, list) and len(row) == 28 for row in rows):
        rows = [value for row in rows for value in row]
    pixels = np.array(rows, np.float32) if len(rows) == 784 and set(map(type, rows)) <= {int, float} else None
    if pixels is None or pixels.min() < 0 or pixels.max() > 255:
        wanted = "pixels must be 28 rows of 28 numbers, or 784 numbers, each 0 to 255, bright ink on dark."
        raise InvalidInput(wanted, location=location)
    return pixels.reshape(28, 28)


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


def _parse_json(body: bytes) -> Any:
    if len(body) > MOST_MARKS and (marks := sum(map(body.count, (b",", b"[", b"{")))) > MOST_MARKS:
        raise InvalidInput(
            f"The JSON has {marks:,} commas and brackets, more than {MAX_PICTURES} pictures of 784 pixels need.",
            location="body",
        )
    try:
        return orjson.loads(_not_empty(body, "body"))
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON: {error}.", location="body") from None


async def _uploads(request: Request, field: str, *, limit: int) -> list[bytes]:
    try:
        async with request.form(max_files=limit, max_fields=1) as form:
            files = [part for part in form.getlist(field) if isinstance(part, UploadFile)]
            if not files or len(files) != len(form.multi_items()):
                message = f"The form must hold 1 to {limit} pictures in the field {field!r} and nothing else."
                raise InvalidInput(message, location=f"body.{field}")
            return [await file.read() for file in files]
    except HTTPException as error:  # how Starlette says that a form is malformed
        raise InvalidInput(f"The form cannot be read: {error.detail}", location="body") from error


def _not_empty(content: bytes, location: str) -> bytes:
    if not content:
        raise InvalidInput("There is nothing in it: send a picture.", location=location)
    return content


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _unsupported(media_type: str, pictures: tuple[str, ...]) -> UnsupportedMediaType:
    readable = ", ".join((*pictures, "multipart/form-data", "application/json"))
    return UnsupportedMediaType(
        f"A body of type {media_type or '(none given)'} cannot be read here. Set Content-Type to one of: {readable}.",
        location="header.Content-Type",
    )
