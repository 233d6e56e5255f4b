"""Run the API under uvicorn."""

import uvicorn

from app.config import Settings
from app.server.limits import ServerLimits, affordable_connections
from app.server.protocol import BoundedConnections

MAX_SHUTDOWN_SECONDS = 10  # for requests that are being answered when the server stops


def run_server(settings: Settings) -> None:
    """Serve HTTP until SIGTERM or SIGINT. Each process builds its application from the environment."""
    limits = ServerLimits(
        max_connections=affordable_connections(settings.max_connections),
        max_body_bytes=settings.max_unfinished_body_bytes,
    )
    uvicorn.run(
        "app.main:create_server_from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.api_processes,
        log_config=None,
        access_log=False,
        http=BoundedConnections(limits),  # type: ignore[arg-type]  # it is called as a protocol class is
        proxy_headers=False,  # app/server/proxies.py reads them; uvicorn would trust 127.0.0.1 by default
        loop="app.server.event_loop:EagerLoop",
        timeout_graceful_shutdown=MAX_SHUTDOWN_SECONDS,
        server_header=False,
    )
