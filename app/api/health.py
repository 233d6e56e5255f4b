"""For those who run the service: is it alive, can it serve?"""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.dependencies import PartsDependency
from app.api.middleware.fast_lane import BareRoute, json_response
from app.db import check_schema
from app.errors import ShuttingDown

router = APIRouter(tags=["operation"])
quick = APIRouter(tags=["operation"], route_class=BareRoute)


@quick.get("/livez", response_model=dict[str, bool])
async def livez(request: Request) -> Response:
    """200 as long as the process answers at all."""
    return json_response({"live": True})


@router.get("/readyz")
def readyz(parts: PartsDependency) -> dict[str, Any]:
    """200 when predictions and jobs can be taken; 503 with the reason until then, and again while the database or the
    artifact store is lost (predictions are still answered, from memory). Redis is not needed for it."""
    if parts.lifetime.is_ending:
        raise ShuttingDown("This process is about to end; it answers what it has taken in.")
    check_schema(parts.sessions)
    parts.keyring.require_known()
    parts.storage_watch.require()
    return {"ready": True, "model": {"version": parts.classifiers.champion.version}}
