"""Reads pictures out of request bodies: raw bytes, multipart forms, JSON with base64 or pixels."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import Request
from numpy.typing import NDArray
from PIL import Image
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from app.errors import InvalidInput, UnsupportedMediaType
from models.preprocessing import read_picture

PICTURE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif")
MAX_PICTURES = 256

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Input:
    """One thing to predict: a picture still to be normalised, or 28x28 pixels taken as they are."""

    content: Image.Image | Pixels


async def read_one(request: Request) -> Input:
    """The picture that the body is or holds. Raises UnsupportedMediaType, InvalidInput, PictureRefused."""
    content_type = _media_type(request)
    if content_type in (*PICTURE_TYPES, "application/octet-stream"):
        return Input(read_picture(_not_empty(await request.body(), "body")))
    if content_type == "multipart/form-data":
        return Input(read_picture((await _uploads(request, "file", limit=1))[0]))
    if content_type == "application/json":
        return read_item(_parse_json(await request.body()), "body")
    raise _unsupported(content_type, PICTURE_TYPES)


async def read_many(request: Request) -> list[Callable[[], Input]]:
    """For each of up to 256 pictures a call that reads it, so that each can fail in its own place."""
    content_type = _media_type(request)
    if content_type == "multipart/form-data":
        uploads = await _uploads(request, "files", limit=MAX_PICTURES)
        return [lambda content=content: Input(read_picture(content)) for content in uploads]  # type: ignore[misc]
    if content_type != "application/json":
        raise _unsupported(content_type, ())
    document = _parse_json(await request.body())
    if not isinstance(document, dict) or set(document) != {"items"} or not isinstance(document["items"], list):
        raise InvalidInput('The body must be {"items": [...]} and nothing else.', location="body")
    items = document["items"]
    if not 1 <= len(items) <= MAX_PICTURES:
        raise InvalidInput(f"items must hold 1 to {MAX_PICTURES} pictures, not {len(items)}.", location="body.items")
    return [lambda i=i, item=item: read_item(item, f"body.items.{i}") for i, item in enumerate(items)]  # type: ignore[misc]


def read_item(item: Any, location: str) -> Input:
    """The picture of `{"image": base64}` or `{"pixels": [...]}`."""
    if not isinstance(item, dict) or len(item) != 1 or not set(item) <= {"image", "pixels"}:
        raise InvalidInput('Give either {"image": base64} or {"pixels": [...]} and nothing else.', location=location)
    if "pixels" in item:
        return Input(read_pixels(item["pixels"], f"{location}.pixels"))
    return Input(read_picture(_decode_base64(item["image"], f"{location}.image")))


def read_pixels(values: Any, location: str) -> Pixels:
    """28 rows of 28 numbers or 784 numbers, 0..255, as float32 (28, 28)."""
    wanted = "pixels must be 28 rows of 28 numbers, or 784 numbers, each 0 to 255, bright ink on dark"
    try:
        pixels = np.asarray(values)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{wanted}; these rows differ in length.", location=location) from None
    if pixels.dtype.kind not in "iuf":
        raise InvalidInput(f"{wanted}; some are not numbers.", location=location)
    if pixels.shape not in ((28, 28), (784,)):
        raise InvalidInput(f"{wanted}; these are of shape {list(pixels.shape)}.", location=location)
    if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 255):
        raise InvalidInput(f"{wanted}; some are out of range.", location=location)
    return pixels.reshape(28, 28).astype(np.float32)


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
    try:
        return json.loads(_not_empty(body, "body"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The body is not JSON: {error}.", location="body") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


async def _uploads(request: Request, field: str, *, limit: int) -> list[bytes]:
    try:
        async with request.form(max_files=limit, max_fields=1) as form:
            files = [part for part in form.getlist(field) if isinstance(part, UploadFile)]
            if not files or len(files) != len(form.multi_items()):
                message = f"The form must hold 1 to {limit} pictures in the field {field!r} and nothing else."
                raise InvalidInput(message, location=f"body.{field}")
            return [_not_empty(await file.read(), f"body.{field}") for file in files]
    except HTTPException as error:  # how Starlette says that a form is malformed
        raise InvalidInput(f"The form cannot be read: {error.detail}", location="body") from error


def _not_empty(content: bytes, location: str) -> bytes:
    if not content:
        raise InvalidInput("There is nothing in it: send a picture.", location=location)
    return content


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _unsupported(content_type: str, pictures: tuple[str, ...]) -> UnsupportedMediaType:
    readable = ", ".join((*pictures, "multipart/form-data", "application/json"))
    return UnsupportedMediaType(
        f"A body of type {content_type or '(none given)'} cannot be read here. Set Content-Type to one of: {readable}.",
        location="header.Content-Type",
    )
