"""What stands around the application, made from the settings: the gate, and CORS where it is wanted."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from app.access.authorization import Admission
from app.access.keyring import Keyring
from app.access.rate_limits import Limits
from app.access.startup import is_loopback
from app.api.middleware.gate import Gate
from app.api.middleware.security_headers import common_headers
from app.config import Settings
from app.metrics.metrics import Metrics

METHODS = ("DELETE", "GET", "POST", "PUT")
EXPOSED = ("ETag", "Location", "Retry-After", "X-Request-Id")  # what a page's program may read beside the body


def build_guard(app: ASGIApp, settings: Settings, keyring: Keyring, limits: Limits, metrics: Metrics) -> ASGIApp:
    origins = [origin for origin in settings.cors_origins.split(",") if origin]
    admission = Admission(
        keyring,
        limits,
        is_insecure=settings.insecure,
        is_local=is_loopback(settings.reached_host),
        is_metrics_open=settings.metrics_open,
        origins=origins,
    )
    gate = Gate(app, admission=admission, metrics=metrics, headers=common_headers(is_shared=bool(origins)))
    if not origins:
        return gate
    return CORSMiddleware(
        gate, allow_origins=origins, allow_methods=METHODS, allow_headers=["*"], expose_headers=EXPOSED, max_age=600
    )
