"""POST /v2/models/digits/infer: tensors in, tensors out."""

import time

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.dependencies import Parts
from app.api.middleware.fast_lane import BareRoute, parts_of, read_body
from app.api.request_context import read_turn
from app.api.v2 import documents
from app.api.v2.bodies import unpack
from app.api.v2.requests import InferenceRequest, read_json_size, read_request
from app.api.v2.responses import MODEL, write_response
from app.errors import AppError
from app.serving.model_cache import CHAMPION

JSON_SIZE = "Inference-Header-Content-Length"
INLINE_BYTES = 65_536  # 20 pictures in binary; what is this small is read at once, the rest beside the event loop

router = APIRouter(prefix=f"/v2/models/{MODEL}", tags=["open inference protocol"], route_class=BareRoute)


@router.post("/infer", response_model=documents.InferenceResponse, **documents.INFER)
@router.post("/versions/{version}/infer", response_model=documents.InferenceResponse, **documents.INFER_VERSION)
async def infer(request: Request) -> Response:
    """Which digits are these? Pictures float32 [n, 1, 28, 28] in 0..1, bright ink on a dark ground."""
    start, parts = time.perf_counter_ns(), parts_of(request)
    name = request.path_params.get("version", CHAMPION)
    version = parts.classifiers.champion.version if name == CHAMPION else name
    try:
        return await _infer(request, parts, name)
    except AppError:
        parts.statistics.failed(version, time.perf_counter_ns() - start)
        raise


async def _infer(request: Request, parts: Parts, name: str) -> Response:
    arrived, start = time.monotonic(), time.perf_counter_ns()
    turn, headers = read_turn(request), request.headers
    encoding, json_size = headers.get("content-encoding", ""), read_json_size(headers.get(JSON_SIZE))
    body = await read_body(request)
    await parts.engine.require_room()

    def read() -> InferenceRequest:
        return read_request(unpack(body, encoding, max_bytes=parts.settings.max_body_bytes), json_size)

    is_quick = not encoding and len(body) <= INLINE_BYTES
    asked = read() if is_quick else await parts.decoders.run(read, turn)
    understood = time.perf_counter_ns()
    deadline = _earlier(turn.deadline, arrived, asked.timeout_seconds)
    answer = await parts.engine.predict(name, asked.pixels, deadline=deadline, is_gone=turn.is_gone)
    computed = time.perf_counter_ns()
    response = _respond(*write_response(asked, answer.version, answer.probabilities))
    phases = (understood - start, computed - understood, time.perf_counter_ns() - computed)
    for digit in answer.probabilities.argmax(axis=1).tolist():
        parts.metrics.predicted(answer.version, digit, "not_judged")
    parts.statistics.succeeded(answer.version, pictures=len(answer.probabilities), phases=phases)
    return response


def _earlier(deadline: float | None, arrived: float, timeout_seconds: float | None) -> float | None:
    if timeout_seconds is None:
        return deadline
    return arrived + timeout_seconds if deadline is None else min(deadline, arrived + timeout_seconds)


def _respond(content: bytes, json_size: int | None) -> Response:
    if json_size is None:
        return Response(content, media_type="application/json")
    return Response(content, media_type="application/octet-stream", headers={JSON_SIZE: str(json_size)})
