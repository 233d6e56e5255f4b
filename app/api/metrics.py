"""GET /metrics: all metrics, for Prometheus. app/metrics/metrics.py names them."""

import asyncio
import platform
from collections.abc import Iterator

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from app import VERSION
from app.api.dependencies import ServicesDependency
from app.api.schemas.media import sends
from app.errors import ModelNotLoaded
from app.metrics.metrics import (
    BUILD_INFO,
    CHAMPION_INFO,
    DATABASE_UP,
    DRIFT_INDEX,
    DRIFT_WINDOW_PREDICTIONS,
)
from app.metrics.recorder import FLUSH_SECONDS
from app.services import Services

router = APIRouter(tags=["operation"])


@router.get("/metrics", response_class=Response, responses=sends("text/plain"))
async def get_metrics(services: ServicesDependency) -> Response:
    """Counts of all processes behind this port since the service started, and what the database knows."""
    if services.settings.api_processes > 1:
        await asyncio.sleep(2 * FLUSH_SECONDS)  # by then the others have counted what they answered before this request
    services.recorder.flush()
    text = await run_in_threadpool(generate_latest, ServiceCollector(services))
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)


class ServiceCollector(Collector):
    """The counters and histograms of all processes, and the gauges as they are now."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        services = self._services
        yield from services.metrics.collect()
        yield BUILD_INFO.family({(VERSION, platform.python_version()): 1.0})
        yield CHAMPION_INFO.family({(version,): 1.0 for version in _champions(services)})
        predictions, indices = services.drift.indices()
        yield DRIFT_WINDOW_PREDICTIONS.family({(): predictions})
        yield DRIFT_INDEX.family({(statistic,): index for statistic, index in indices.items()})
        readings = services.gauges.get()
        yield DATABASE_UP.family({(): float(readings is not None)})
        for gauge, values in (readings or {}).items():
            yield gauge.family(values)


def _champions(services: Services) -> list[str]:
    """The version that answers; none before the first one is loaded."""
    try:
        return [services.model_cache.champion.version]
    except ModelNotLoaded:
        return []
