"""Responses that are written without pydantic."""

import base64
import io
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from PIL import Image
from starlette.responses import Response


def json_response(document: Any) -> Response:
    return Response(orjson.dumps(document, option=orjson.OPT_UTC_Z), media_type="application/json")


def as_data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """The PNG of a grey image (height, width)."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
