"""Run the API under uvicorn."""

import uvicorn

from app.config import Settings
from app.server.shutdown import LingeringProtocol

MAX_SHUTDOWN_SECONDS = 10  # for requests that are being answered when the server stops


def run_server(settings: Settings) -> None:
    """Serve HTTP until SIGTERM or SIGINT. Each process builds its application from the environment."""
    uvicorn.run(
        "app.main:create_server_from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.api_processes,
        log_config=None,
        access_log=False,
        http=LingeringProtocol,
        loop="app.server.event_loop:EagerLoop",
        timeout_graceful_shutdown=MAX_SHUTDOWN_SECONDS,
        server_header=False,
    )
