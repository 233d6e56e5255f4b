"""The API, put together here and nowhere else."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from app import VERSION
from app.api import aliases, backprop, error_handlers, jobs, models, operation, plots, predictions, system
from app.api.bare import Service
from app.api.dependencies import Parts
from app.api.event_streams import EventFeed
from app.api.protocol import inference
from app.api.protocol import models as protocol_models
from app.api.protocol.statistics import Statistics
from app.api.schemas import Problem
from app.background import Periodic
from app.config import Settings
from app.db import Sessions
from app.errors import AppError
from app.jobs.dispatcher import Dispatcher
from app.jobs.queue import CeleryJobQueue, JobQueue
from app.lifetime import Lifetime
from app.logs import configure_logging
from app.memory import give_back_what_is_freed
from app.registry import service as registry
from app.serving.classifiers import Classifiers
from app.serving.decoders import Decoders
from app.serving.engine import Engine
from app.serving.refusals import Refusals
from app.storage import StorageWatch, open_storage

logger = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
STORAGE_WATCH_SECONDS = 3.0  # one small request to S3 each time
CHAMPION_SECONDS = 0.5  # a new champion serves within a second, loading it included
HOME = Path(__file__).with_name("console") / "index.html"


def create_app(settings: Settings, queue: JobQueue) -> FastAPI:
    """The service over HTTP. It starts without its database too, and is ready once that is there."""
    sessions, storage = Sessions(settings.resolved_database_url), open_storage(settings)
    classifiers, refusals = Classifiers(sessions, storage, device=settings.serving_device), Refusals()
    parts = Parts(
        settings=settings,
        lifetime=Lifetime(drain_seconds=settings.drain_seconds),
        sessions=sessions,
        storage=storage,
        storage_watch=StorageWatch(storage),
        queue=queue,
        classifiers=classifiers,
        engine=Engine(classifiers, refusals),
        decoders=Decoders(refusals),
        events=EventFeed(sessions),
        statistics=Statistics(),
    )
    dispatcher = Dispatcher(sessions, queue, stall_seconds=settings.stall_seconds)

    is_shipped_installed = False

    def watch_models() -> None:
        nonlocal is_shipped_installed
        if not is_shipped_installed:
            registry.install_shipped(sessions, storage)
            is_shipped_installed = True
        parts.classifiers.refresh()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await run_in_threadpool(parts.storage_watch.look)
            await run_in_threadpool(watch_models)
        except AppError as error:
            logger.warning("not ready yet: %s", error)
        watchers = [
            Periodic("models", watch_models, seconds=CHAMPION_SECONDS).start(),
            Periodic("storage", parts.storage_watch.look, seconds=STORAGE_WATCH_SECONDS).start(),
            Periodic("dispatcher", dispatcher.tick, seconds=min(WATCH_SECONDS, settings.lease_seconds / 4)).start(),
        ]
        parts.lifetime.watch_signals(at_end=parts.events.close)
        yield
        for watcher in watchers:
            watcher.close()
        queue.close()
        sessions.close()

    app = Service(
        lifetime=parts.lifetime,
        max_body_bytes=settings.max_body_bytes,
        title="Numeral",
        version=VERSION,
        description="Trains, proves and serves a digit recogniser, and shows how backpropagation learns.",
        lifespan=lifespan,
        responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}},
    )
    app.state.parts = parts
    error_handlers.install(app)
    for quick in (predictions.router, inference.router, operation.quick):
        app.include_bare(quick)
    for resource in (jobs, plots, backprop, aliases, models, operation, protocol_models, system):
        app.include_router(resource.router)
    app.add_api_route("/", lambda: FileResponse(HOME), include_in_schema=False)
    error_handlers.document(app)
    return app


def create_app_from_environment() -> FastAPI:
    """What uvicorn calls in each of its processes."""
    give_back_what_is_freed()
    settings = Settings()
    configure_logging(settings.log_format)
    return create_app(settings, CeleryJobQueue(settings.resolved_redis_url))
