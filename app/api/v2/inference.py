"""POST /v2/models/digits/infer: tensors in, tensors out."""

import time
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.dependencies import get_services
from app.api.headers import find_header
from app.api.raw_route import PictureRoute, read_body
from app.api.request_context import read_context
from app.api.v2 import documents
from app.api.v2.requests import InferenceRequest, read_json_size, read_request
from app.api.v2.responses import MODEL, write_response
from app.errors import AppError
from app.services import Services
from app.serving.model_cache import CHAMPION
from app.serving.predictor import INLINE_TENSOR_BYTES, TensorPrediction

JSON_SIZE = b"inference-header-content-length"

router = APIRouter(prefix=f"/v2/models/{MODEL}", tags=["open inference protocol"], route_class=PictureRoute)


@router.post("/infer", response_model=documents.InferenceResponse, **documents.INFER)
@router.post(
    "/versions/{version}/infer",
    response_model=documents.InferenceResponse,
    name="infer_with_version",
    **documents.INFER_VERSION,
)
async def infer(request: Request) -> Response:
    """The digits in pictures that are 28x28 already: float32 [n, 1, 28, 28] in 0..1, bright ink on dark."""
    start, services = time.perf_counter_ns(), get_services(request)
    name = request.path_params.get("version", CHAMPION)
    version = services.model_cache.champion.version if name == CHAMPION else name
    try:
        return await _infer(request, services, name)
    except AppError:
        services.statistics.failed(version, time.perf_counter_ns() - start)
        raise


async def _infer(request: Request, services: Services, name: str) -> Response:
    arrived, start = time.monotonic(), time.perf_counter_ns()
    context = read_context(request)
    json_size = read_json_size(find_header(request.scope, JSON_SIZE))
    body = await read_body(request)
    decode_request = partial(read_request, body, json_size)
    is_small = len(body) <= INLINE_TENSOR_BYTES
    received = time.perf_counter_ns()
    predicted = await services.predictor.tensors(
        decode_request, is_small=is_small, model=name, arrived=arrived, context=context
    )
    computed = time.perf_counter_ns()
    response = encode_response(predicted)
    phases = (received - start + predicted.input_ns, predicted.inference_ns, time.perf_counter_ns() - computed)
    services.statistics.succeeded(predicted.version, pictures=len(predicted.probabilities), phases=phases)
    return response


def encode_response(predicted: TensorPrediction[InferenceRequest]) -> Response:
    content, json_size = write_response(predicted.request, predicted.version, predicted.probabilities)
    if json_size is None:
        return Response(content, media_type="application/json")
    return Response(content, media_type="application/octet-stream", headers={JSON_SIZE.decode(): str(json_size)})
