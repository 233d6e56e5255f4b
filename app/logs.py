"""How log lines look: for a person on a terminal, or one JSON object a line; both with the ids of what it is about."""

import logging
from contextvars import ContextVar
from typing import Literal

import structlog
from structlog.types import EventDict, Processor

QUIET = ("alembic", "celery", "kombu", "httpx", "uvicorn.access", "botocore", "aiobotocore")

_ids: ContextVar[dict[str, str]] = ContextVar("ids", default={})  # noqa: B039 never changed in place


def bind(**ids: str) -> None:
    """Put `request_id`, `job_id` or the like on every line from here on, in this task or thread."""
    _ids.set(_ids.get() | ids)


def _add_ids(logger: object, method: str, event: EventDict) -> EventDict:
    for name, value in _ids.get().items():
        event.setdefault(name, value)
    return event


def configure_logging(style: Literal["console", "json"]) -> None:
    """Send this process's log to standard error."""
    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _add_ids,
    ]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=common, processors=_ends(style, handler.stream.isatty()))
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _ends(style: Literal["console", "json"], is_terminal: bool) -> list[Processor]:
    """How the fields of a line become text."""
    only_ours = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if style == "json":
        return [
            only_ours,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.ExceptionRenderer(),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    return [
        only_ours,
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(
            colors=is_terminal, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        ),
    ]
