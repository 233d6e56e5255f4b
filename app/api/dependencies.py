"""What endpoints are handed: the parts that `create_app` built, out of the application's state."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from app.access.keyring import Keyring
from app.api.event_streams import EventFeed
from app.config import Settings
from app.db import Sessions
from app.errors import UnsupportedMediaType
from app.jobs.gauges import GaugeCache
from app.jobs.notifier import JobQueue
from app.metrics.drift import Drift
from app.metrics.metrics import Metrics
from app.server.shutdown import Lifetime
from app.serving.engine import Engine
from app.serving.model_cache import Classifiers
from app.serving.statistics import Statistics
from app.serving.threads import Decoders
from app.storage import Storage, StorageWatch
from models.inference.line_reader import LineReader


@dataclass(frozen=True)
class Parts:
    """Everything that lives as long as the application."""

    settings: Settings
    lifetime: Lifetime
    sessions: Sessions
    storage: Storage
    storage_watch: StorageWatch
    queue: JobQueue
    classifiers: Classifiers
    line_reader: LineReader  # the same for all versions
    engine: Engine  # what every prediction goes through
    decoders: Decoders  # where large pictures are decoded
    events: EventFeed
    statistics: Statistics
    keyring: Keyring
    metrics: Metrics
    drift: Drift
    gauges: GaugeCache


def get_parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def require_json(request: Request) -> None:
    """Raise UnsupportedMediaType unless the body says that it is JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType(
            f"A body of type {media_type or '(none given)'} cannot be read here. Set Content-Type: application/json.",
            location="header.Content-Type",
        )


PartsDependency = Annotated[Parts, Depends(get_parts)]
