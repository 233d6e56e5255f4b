"""Everything that the endpoints use, built in one place; and the background tasks that go with it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from anyio import to_thread

from app.access.keyring import REFRESH_SECONDS, Keyring
from app.access.rate_limits import SYNC_SECONDS, RateLimits
from app.background import Periodic
from app.config import Settings
from app.database_watch import DatabaseWatch
from app.datasets.kept import KeptPredictions
from app.db import Sessions, check_schema
from app.errors import AppError, ShuttingDown
from app.importing.importer import Importer
from app.jobs.dispatcher import Dispatcher, take_lead
from app.jobs.event_feed import EventFeed
from app.jobs.gauges import GaugeCache
from app.jobs.notifier import WorkerNotifier
from app.jobs.quotas import Quota
from app.jobs.retention import remove_old_curves
from app.jobs.tables import RETENTION
from app.jobs.watch import JobsWatch
from app.metrics.drift import Drift
from app.metrics.metrics import Metrics
from app.metrics.recorder import FLUSH_SECONDS, Recorder
from app.registry import service as registry
from app.server.shutdown import ShutdownState
from app.serving.decoder_process import DecoderProcess
from app.serving.downloads import places_for_downloads
from app.serving.engine import Engine
from app.serving.figures import Figures
from app.serving.load_shedding import LoadShedder
from app.serving.model_cache import ModelCache
from app.serving.predictor import Predictor
from app.serving.preparation import Preparation
from app.serving.statistics import Statistics
from app.storage import StorageWatch, open_storage
from models.inference.line_reader import LineReader
from models.pictures.eye import Eye
from models.revision import find_commit

logger = logging.getLogger(__name__)

DISPATCH_SECONDS = 1.0
DATABASE_CHECK_SECONDS = 1.0  # app/database_watch.py: a large file is read less often
JOBS_CHECK_SECONDS = 2.0
STORAGE_CHECK_SECONDS = 3.0  # one small request to S3 each time
MODEL_REFRESH_SECONDS = 0.5  # a new champion serves within a second, loading it included
DRIFT_SECONDS = 15.0
KEPT_SECONDS = 0.5  # between two writes of kept predictions; where none are kept, the call costs nothing
CURVES_SECONDS = 600.0  # between two looks for old curves


class BackgroundTask(NamedTuple):
    """A function that is called every `seconds` in a thread of its own."""

    name: str
    seconds: float
    function: Callable[[], None]


class Services:
    """What lives as long as the application. Builds without a database, and is ready once that is there."""

    def __init__(self, settings: Settings, notifier: WorkerNotifier) -> None:
        self.settings, self.notifier, self.commit = settings, notifier, find_commit()  # once: git takes 20 ms
        self.shutdown = ShutdownState(drain_seconds=settings.drain_seconds)
        self.sessions, self.storage = Sessions(settings.resolved_database_url), open_storage(settings)
        self.storage_watch, self.database_watch = StorageWatch(self.storage), DatabaseWatch(self.sessions)
        self.jobs_watch = JobsWatch(self.sessions, notifier)
        self.metrics, self.drift, self.gauges = Metrics(settings.metrics_dir), Drift(), GaugeCache(self.sessions)
        self.recorder = Recorder(self.metrics)
        self.statistics = Statistics()
        self.keyring = Keyring(self.sessions, admin_key=settings.admin_key)
        self.limits = RateLimits(
            redis_url=settings.resolved_redis_url,
            per_key=settings.rate_limit_per_key,
            per_address=settings.rate_limit_per_address,
        )
        self.model_cache = ModelCache(self.sessions, self.storage, device=settings.serving_device)
        load_shedder = LoadShedder()
        self.engine = Engine(self.model_cache, load_shedder, self.recorder)
        self.decoder = DecoderProcess(max_seconds=settings.decode_seconds)
        eye = Eye.load()
        self.preparation = Preparation(self.decoder, load_shedder, eye)
        self.kept_predictions = KeptPredictions(
            self.sessions, max_count=settings.keep_predictions, max_hours=settings.keep_predictions_hours
        )
        keep = self.kept_predictions.keep if settings.keep_predictions else None
        self.predictor = Predictor(self.engine, self.preparation, LineReader.load(), self.recorder, keep=keep)
        self.importer = Importer(
            self.sessions,
            self.storage,
            eye,
            load_shedder,
            decode_seconds=settings.decode_seconds,
            max_bytes=settings.max_dataset_bytes,
        )
        self.downloads, self.figures = places_for_downloads(load_shedder), Figures(load_shedder)
        self.events = EventFeed(self.sessions)
        self._dispatcher = Dispatcher(
            self.sessions,
            notifier,
            stall_seconds=settings.stall_seconds,
            gpu_wait_seconds=settings.gpu_wait_seconds,
            on_lost=lambda reason: self.metrics.lease_expiries.add(1, reason),
        )
        self._is_shipped_installed = False

    def background_tasks(self) -> list[BackgroundTask]:
        dispatch_seconds = min(DISPATCH_SECONDS, self.settings.lease_seconds / 4)
        return [
            BackgroundTask("keys", REFRESH_SECONDS, self.keyring.refresh),
            BackgroundTask("limits", SYNC_SECONDS, self.limits.sync),
            BackgroundTask("drift", DRIFT_SECONDS, self._remember_drift),
            BackgroundTask("models", MODEL_REFRESH_SECONDS, self._refresh_models),
            BackgroundTask("jobs", JOBS_CHECK_SECONDS, self.jobs_watch.check),
            BackgroundTask("database", DATABASE_CHECK_SECONDS, self.database_watch.check),
            BackgroundTask("storage", STORAGE_CHECK_SECONDS, self.storage_watch.check),
            BackgroundTask("dispatcher", dispatch_seconds, self._dispatcher.tick),
            BackgroundTask("curves", CURVES_SECONDS, self._remove_old_curves),
            BackgroundTask("kept predictions", KEPT_SECONDS, self.kept_predictions.write),
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the background tasks while the block lasts, then close everything."""
        try:
            for prepare in (self.decoder.start, self.storage_watch.check, self.keyring.refresh, self._refresh_models):
                await to_thread.run_sync(prepare)
        except AppError as error:
            logger.warning("not ready yet: %s", error)
        tasks = [
            Periodic(name, function, seconds=seconds).start() for name, seconds, function in self.background_tasks()
        ]
        flushing = asyncio.create_task(self._flush_metrics())
        yield
        flushing.cancel()
        self.recorder.flush()
        for task in tasks:
            task.close()
        self.decoder.close()
        self.notifier.close()
        self.sessions.close()

    def require_ready(self) -> None:
        """Raise ShuttingDown, DatabaseUnavailable, KeysUnknown, StorageUnavailable or ModelNotLoaded: the reason why
        predictions and jobs cannot be taken now."""
        if self.shutdown.has_begun:
            raise ShuttingDown("This process is about to end; it answers what it has taken in.")
        check_schema(self.sessions)
        self.database_watch.require_whole()
        self.keyring.require_known()
        self.storage_watch.require_available()
        _ = self.model_cache.champion

    def _refresh_models(self) -> None:
        if not self._is_shipped_installed:
            registry.install_shipped(self.sessions, self.storage)
            self._is_shipped_installed = True
        self.model_cache.refresh()

    def quota(self, kind: str) -> Quota:
        """What the artifacts of all jobs of a kind may take."""
        if kind == "backprop_sweep":
            return Quota(self.settings.max_curve_bytes, "NUMERAL_MAX_CURVE_BYTES")
        return Quota(self.settings.max_training_bytes, "NUMERAL_MAX_TRAINING_BYTES")

    def _remove_old_curves(self) -> None:
        days = self.settings.curves_days
        if days and take_lead(self.sessions, RETENTION, self._dispatcher.name):
            remove_old_curves(self.sessions, self.storage, days=days)

    def _remember_drift(self) -> None:
        self.drift.remember(time.monotonic(), self.metrics.drift_counts())

    async def _flush_metrics(self) -> None:
        """In the event loop, to whose thread the counts belong."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                self.recorder.flush()
            except Exception:
                logger.exception("some counts were lost; it goes on")
