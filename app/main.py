"""The API, put together here and nowhere else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from app import VERSION
from app.api import (
    aliases,
    backprop,
    comparison,
    console,
    datasets,
    error_handlers,
    feedback,
    health,
    jobs,
    metrics,
    models,
    openapi,
    plots,
    predictions,
    reading,
    recipes,
    searches,
    system,
)
from app.api.middleware.stack import build_stack
from app.api.query_names import require_known_names
from app.api.raw_route import RawRoutes
from app.api.schemas.pictures import COMPONENTS as PICTURES
from app.api.schemas.problems import Problem
from app.api.v2 import inference
from app.api.v2 import models as v2_models
from app.api.v2.documents import COMPONENTS as TENSORS
from app.config import Settings
from app.jobs.notifier import CeleryNotifier, WorkerNotifier
from app.logs import configure_logging
from app.server.proxies import behind_proxies
from app.server.tuning import tune_garbage_collector, tune_malloc, tune_thread_switching
from app.services import Services

ROUTERS = (
    predictions.router, reading.router, inference.router, health.raw_router,
    comparison.router, jobs.router,  # in this order: /v1/jobs/compare looks like a job's id
    plots.router, searches.router, backprop.router, recipes.router,
    datasets.upload_router, datasets.router, feedback.router,
    aliases.router, models.router, health.router, v2_models.router, system.router, metrics.router, console.router,
)  # fmt: skip


def create_app(services: Services) -> FastAPI:
    """The resources of the API. It starts without its database too, and is ready once that is there."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with services.running():
            services.shutdown.watch_signals(on_drain=services.events.close)
            yield

    app = FastAPI(
        title="Numeral",
        version=VERSION,
        description="Trains, evaluates and serves a digit recogniser, and shows how backpropagation learns.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # Starlette's redirect names the host that the client sent
        lifespan=lifespan,
        openapi_tags=openapi.TAGS,
        contact=openapi.CONTACT,
        license_info=openapi.LICENSE,
        generate_unique_id_function=openapi.operation_id,
        dependencies=[Depends(require_known_names)],
        separate_input_output_schemas=False,  # a job's spec is what was sent
        responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}},
    )
    app.state.services = services
    app.state.routes = [route for router in ROUTERS for route in router.routes]
    app.state.paths = frozenset(route.path for route in app.state.routes if isinstance(route, APIRoute))
    error_handlers.install(app)
    for router in ROUTERS:
        app.include_router(router)
    openapi.document(app, components=PICTURES | TENSORS)
    return app


def create_server(settings: Settings, notifier: WorkerNotifier) -> ASGIApp:
    """The API behind its middleware, as a server runs it."""
    services = Services(settings, notifier)
    app = create_app(services)
    return build_stack(app, RawRoutes(app.state.routes), services)


def create_server_from_environment() -> ASGIApp:
    """What uvicorn calls in each of its processes."""
    tune_malloc()
    tune_thread_switching()
    settings = Settings()
    configure_logging(settings.log_format)
    server = create_server(settings, CeleryNotifier(settings.resolved_redis_url))
    tune_garbage_collector()
    return behind_proxies(server)
