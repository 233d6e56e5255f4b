"""/v2: metadata, readiness and statistics of the server and its model."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError

from app.api.dependencies import ServicesDependency
from app.api.path_parameters import VersionName
from app.api.v2 import documents
from app.api.v2.requests import DIGIT, PROBABILITIES
from app.api.v2.responses import MODEL
from app.api.v2.tensors import INPUT, PICTURE
from app.errors import InvalidInput
from app.registry import service as registry
from app.services import Services
from app.validation_messages import describe_all

router = APIRouter(prefix="/v2", tags=["open inference protocol"], responses=documents.ERRORS)

EXTENSIONS = ["binary_tensor_data", "classification", "statistics"]
INPUTS = [{"name": INPUT, "datatype": "FP32", "shape": [-1, *PICTURE]}]
OUTPUTS = [
    {"name": PROBABILITIES, "datatype": "FP32", "shape": [-1, 10]},
    {"name": DIGIT, "datatype": "INT64", "shape": [-1]},
]


@router.get("", response_model=documents.Server)
@router.get("/", include_in_schema=False)
async def describe_server(request: Request) -> dict[str, Any]:
    """The server, and the extensions of the protocol that it speaks."""
    return {"name": "numeral", "version": request.app.version, "extensions": EXTENSIONS}


@router.get("/health/live", response_model=documents.Live)
async def is_live() -> dict[str, bool]:
    """200 as long as the process answers at all."""
    return {"live": True}


@router.get("/health/ready", response_model=documents.Ready)
def is_ready(services: ServicesDependency) -> dict[str, bool]:
    """200 when predictions can be taken; 503 with the reason until then."""
    services.require_ready()
    return {"ready": True, "live": True}


@router.get("/models/stats", response_model=documents.ServerStatistics, name="get_all_statistics")
@router.get(f"/models/{MODEL}/stats", response_model=documents.ServerStatistics)
def get_statistics(services: ServicesDependency) -> dict[str, Any]:
    """What this process has answered since it started, in nanoseconds, by version."""
    return services.statistics.describe(MODEL, _versions(services))


@router.get(f"/models/{MODEL}/versions/{{version}}/stats", response_model=documents.ServerStatistics)
def get_version_statistics(version: VersionName, services: ServicesDependency) -> dict[str, Any]:
    """The statistics of one version."""
    return services.statistics.describe(MODEL, [registry.resolve(services.sessions, version)])


@router.get(f"/models/{MODEL}", response_model=documents.Metadata)
def describe_model(services: ServicesDependency) -> dict[str, Any]:
    """Names, types and shapes of inputs and outputs; -1 is the number of pictures."""
    versions = _versions(services)
    return {"name": MODEL, "versions": versions, "platform": "onnx_onnxv1", "inputs": INPUTS, "outputs": OUTPUTS}


@router.get(f"/models/{MODEL}/versions/{{version}}", response_model=documents.Metadata)
def describe_version(version: VersionName, services: ServicesDependency) -> dict[str, Any]:
    """Names, types and shapes of one version."""
    registry.resolve(services.sessions, version)
    return describe_model(services)


@router.get(f"/models/{MODEL}/ready", response_model=documents.ModelReady)
def is_model_ready(services: ServicesDependency) -> dict[str, Any]:
    """200 when the champion is in memory and answers."""
    return is_version_ready(registry.CHAMPION, services)


@router.get(f"/models/{MODEL}/versions/{{version}}/ready", response_model=documents.ModelReady)
def is_version_ready(version: VersionName, services: ServicesDependency) -> dict[str, Any]:
    """200 when this version is in memory; it is loaded if it is not."""
    services.model_cache.get(version)
    return {"name": MODEL, "ready": True}


async def check_index_request(request: Request) -> None:
    """Raise InvalidInput for a body that asks for something else. It need not say that it is JSON."""
    if body := await request.body():
        try:
            documents.IndexRequest.model_validate_json(body)
        except ValidationError as error:
            [place, message] = describe_all(error.errors(include_url=False))[0]
            raise InvalidInput(f"{'.'.join(place) or 'The body'}: {message}") from None


@router.post(
    "/repository/index",
    response_model=list[documents.IndexEntry],
    name="index_repository",
    openapi_extra=documents.INDEX,
    dependencies=[Depends(check_index_request)],
)
def list_models(services: ServicesDependency) -> list[dict[str, str]]:
    """All versions. Each of them answers, so a body with `ready` changes nothing."""
    return [{"name": MODEL, "version": version, "state": "READY", "reason": ""} for version in _versions(services)]


def _versions(services: Services) -> list[str]:
    return [str(number) for number in registry.list_numbers(services.sessions)]
