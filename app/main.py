"""The API, put together here and nowhere else."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from app import VERSION
from app.access.keyring import REFRESH_SECONDS, Keyring
from app.access.rate_limits import SYNC_SECONDS, Limits
from app.access.startup import read_admin_key
from app.api import aliases, backprop, error_handlers, jobs, models, plots, predictions, reading, system
from app.api import console as pages
from app.api import health as operation
from app.api import metrics as metrics_page
from app.api.dependencies import Parts
from app.api.event_streams import EventFeed
from app.api.middleware.fast_lane import Service
from app.api.middleware.stack import build_guard
from app.api.schemas.everything import Problem
from app.api.v2 import inference
from app.api.v2 import models as protocol_models
from app.background import Periodic
from app.config import Settings
from app.db import Sessions
from app.errors import AppError
from app.jobs.dispatcher import Dispatcher
from app.jobs.gauges import GaugeCache
from app.jobs.notifier import CeleryJobQueue, JobQueue
from app.logs import configure_logging
from app.metrics.drift import Drift
from app.metrics.metrics import FLUSH_SECONDS, Metrics
from app.registry import service as registry
from app.server.memory import collect_garbage_less_often, give_back_what_is_freed
from app.server.shutdown import Lifetime
from app.serving.engine import Engine
from app.serving.load_shedding import Refusals
from app.serving.model_cache import Classifiers
from app.serving.statistics import Statistics
from app.serving.threads import Decoders
from app.storage import StorageWatch, open_storage
from models.inference.line_reader import LineReader

logger = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
STORAGE_WATCH_SECONDS = 3.0  # one small request to S3 each time
CHAMPION_SECONDS = 0.5  # a new champion serves within a second, loading it included
DRIFT_SECONDS = 15.0


def create_app(settings: Settings, queue: JobQueue) -> FastAPI:
    """The service over HTTP. It starts without its database too, and is ready once that is there."""
    sessions, storage = Sessions(settings.resolved_database_url), open_storage(settings)
    metrics, limits = Metrics(settings.metrics_dir), open_limits(settings)
    keyring = Keyring(sessions, admin_key=read_admin_key(settings))
    classifiers, refusals = Classifiers(sessions, storage, device=settings.serving_device), Refusals()
    parts = Parts(
        settings=settings,
        lifetime=Lifetime(drain_seconds=settings.drain_seconds),
        sessions=sessions,
        storage=storage,
        storage_watch=StorageWatch(storage),
        queue=queue,
        classifiers=classifiers,
        line_reader=LineReader.load(),
        engine=Engine(classifiers, refusals, metrics),
        decoders=Decoders(refusals),
        events=EventFeed(sessions),
        statistics=Statistics(),
        keyring=keyring,
        metrics=metrics,
        drift=Drift(),
        gauges=GaugeCache(sessions),
    )
    dispatcher = Dispatcher(
        sessions,
        queue,
        stall_seconds=settings.stall_seconds,
        on_lost=lambda reason: metrics.lease_expiries.add(1, reason),
    )

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
            await run_in_threadpool(keyring.refresh)
            await run_in_threadpool(watch_models)
        except AppError as error:
            logger.warning("not ready yet: %s", error)
        watchers = [
            Periodic("keys", keyring.refresh, seconds=REFRESH_SECONDS).start(),
            Periodic("limits", limits.sync, seconds=SYNC_SECONDS).start(),
            Periodic(
                "drift", lambda: parts.drift.remember(time.monotonic(), metrics.drift_counts()), seconds=DRIFT_SECONDS
            ).start(),
            Periodic("models", watch_models, seconds=CHAMPION_SECONDS).start(),
            Periodic("storage", parts.storage_watch.look, seconds=STORAGE_WATCH_SECONDS).start(),
            Periodic("dispatcher", dispatcher.tick, seconds=min(WATCH_SECONDS, settings.lease_seconds / 4)).start(),
        ]
        flushing = asyncio.create_task(flush_often(metrics))
        parts.lifetime.watch_signals(at_end=parts.events.close)
        yield
        flushing.cancel()
        metrics.flush()
        for watcher in watchers:
            watcher.close()
        queue.close()
        sessions.close()

    app = Service(
        lifetime=parts.lifetime,
        max_body_bytes=settings.max_body_bytes,
        guard=lambda app: build_guard(app, settings, keyring, limits, metrics),
        docs_url=None,
        redoc_url=None,
        title="Numeral",
        version=VERSION,
        description="Trains, proves and serves a digit recogniser, and shows how backpropagation learns.",
        lifespan=lifespan,
        responses={"4XX": {"model": Problem}, "5XX": {"model": Problem}},
    )
    app.state.parts = parts
    error_handlers.install(app)
    for quick in (predictions.router, reading.router, inference.router, operation.quick):
        app.include_bare(quick)
    for resource in (jobs, plots, backprop, aliases, models, operation, protocol_models, system, metrics_page, pages):
        app.include_router(resource.router)
    error_handlers.document(app)
    return app


async def flush_often(metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        try:
            metrics.flush()
        except Exception:
            logger.exception("some counts were lost; it goes on")


def open_limits(settings: Settings) -> Limits:
    return Limits(
        redis_url=settings.resolved_redis_url,
        per_key=settings.rate_limit_per_key,
        per_address=settings.rate_limit_per_address,
    )


def create_app_from_environment() -> FastAPI:
    """What uvicorn calls in each of its processes."""
    give_back_what_is_freed()
    settings = Settings()
    configure_logging(settings.log_format)
    app = create_app(settings, CeleryJobQueue(settings.resolved_redis_url))
    collect_garbage_less_often()
    return app
