"""Log lines for a person on a terminal, or as one JSON object each.

Each carries the ids that structlog's `bind_contextvars` bound in its task or thread: `request_id`, `job_id`.
"""

import logging
from typing import Literal

import structlog
from structlog.types import Processor

QUIET_LOGGERS = ("alembic", "celery", "kombu", "httpx", "uvicorn.access", "botocore", "aiobotocore")


def configure_logging(style: Literal["console", "json"]) -> None:
    """Write the log of this process to standard error."""
    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.contextvars.merge_contextvars,
    ]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common, processors=_renderers(style, handler.stream.isatty())
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _renderers(style: Literal["console", "json"], is_terminal: bool) -> list[Processor]:
    """The processors that turn the fields of a line into text."""
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if style == "json":
        return [
            remove_meta,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.ExceptionRenderer(),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    return [
        remove_meta,
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(
            colors=is_terminal, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        ),
    ]
