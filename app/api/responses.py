"""Responses that are written without pydantic."""

import base64
from typing import Any

import orjson
from starlette.responses import Response


def json_response(document: Any) -> Response:
    return Response(orjson.dumps(document, option=orjson.OPT_UTC_Z), media_type="application/json")


def as_data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
