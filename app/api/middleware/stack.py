"""What stands around the application, as a list."""

from collections.abc import Callable
from functools import partial

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from app.access.authorization import Authorization
from app.access.startup import is_loopback
from app.api.middleware.body_limit import BodyLimit
from app.api.middleware.draining import Draining
from app.api.middleware.fast_lane import FastLane
from app.api.middleware.gate import Gate
from app.api.middleware.head_requests import HeadRequests
from app.api.middleware.packing import Packing
from app.api.middleware.root_path import RootPath
from app.api.middleware.unpacking import Unpacking
from app.api.raw_route import MAX_JSON_BYTES, RawRoutes
from app.api.security_headers import common_headers
from app.services import Services

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
EXPOSED_HEADERS = ("ETag", "Location", "Retry-After", "X-Request-Id")  # what a page's script may read beside the body


def build_stack(app: FastAPI, raw_routes: RawRoutes, services: Services) -> ASGIApp:
    """The application behind its middleware. A request passes the list from top to bottom."""
    settings = services.settings
    origins = [origin for origin in settings.cors_origins.split(",") if origin]
    authorization = Authorization(
        services.keyring,
        services.limits,
        is_insecure=settings.insecure,
        is_local=is_loopback(settings.reached_host),
        is_metrics_open=settings.metrics_open,
        origins=origins,
    )
    headers = common_headers(is_shared=bool(origins))
    layers: list[Callable[[ASGIApp], ASGIApp]] = [
        partial(Draining, shutdown=services.shutdown),
        partial(RootPath, default=settings.root_path),
        *([partial(_allow_origins, origins=origins)] if origins else []),
        partial(Gate, authorization=authorization, recorder=services.recorder, headers=headers, routes=app.routes),
        partial(Unpacking, raw_routes=raw_routes, max_bytes=settings.max_body_bytes),
        partial(FastLane, fastapi=app, raw_routes=raw_routes),
        partial(BodyLimit, max_bytes=min(MAX_JSON_BYTES, settings.max_body_bytes)),
        HeadRequests,
        Packing,
    ]
    stack: ASGIApp = app
    for layer in reversed(layers):
        stack = layer(stack)
    return stack


def _allow_origins(app: ASGIApp, *, origins: list[str]) -> ASGIApp:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
        max_age=600,
    )
