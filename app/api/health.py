"""For orchestrators and load balancers: is the process alive, can it serve?"""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app import VERSION
from app.api.dependencies import ServicesDependency, get_services
from app.api.raw_route import RawRoute
from app.api.responses import json_response
from app.api.schemas.system import Liveness, Readiness

router = APIRouter(tags=["operation"])
raw_router = APIRouter(tags=["operation"], route_class=RawRoute)


@raw_router.get("/livez", response_model=Liveness)
async def get_liveness(request: Request) -> Response:
    """200 as long as the process answers at all, and which build it is."""
    return json_response({"live": True, "version": VERSION, "commit": get_services(request).commit})


@router.get("/readyz", response_model=Readiness)
def get_readiness(services: ServicesDependency) -> dict[str, Any]:
    """200 when predictions and jobs can be taken; 503 with the reason until then, and again while the database or the
    artifact store is lost (predictions are still answered, from memory). Workers and Redis are not needed for it:
    `jobs` says whether a job would be run now, or why it would wait."""
    services.require_ready()
    return {
        "ready": True,
        "model": {"version": services.model_cache.champion.version},
        "jobs": services.jobs_watch.state,
    }
