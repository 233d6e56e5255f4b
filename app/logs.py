"""Log lines for a person on a terminal, or as one JSON object each.

Each carries the ids that structlog's `bind_contextvars` bound in its task or thread: `request_id`, `job_id`.
"""

import logging
from typing import Any, Literal

import structlog
from structlog.types import EventDict, Processor

from app.redaction import CONTROLS_IN_LINE, escape_controls, mask_keys

QUIET_LOGGERS = ("alembic", "celery", "kombu", "httpx", "uvicorn.access", "botocore", "aiobotocore")
MULTILINE_FIELDS = ("exception", "stack")
INDENT = "    "  # of their lines, so that none looks like a line of the log


def configure_logging(style: Literal["console", "json"]) -> None:
    """Write the log of this process to standard error."""
    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _drop_coloured_message,
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
            _redact,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    return [
        remove_meta,
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.processors.ExceptionRenderer(),
        _redact,
        _indent,
        structlog.dev.ConsoleRenderer(colors=is_terminal, pad_event_to=0),
    ]


def _drop_coloured_message(logger: object, method: str, event: EventDict) -> EventDict:
    """Uvicorn's second copy of its message, for terminals."""
    event.pop("color_message", None)
    return event


def _redact(logger: object, method: str, event: EventDict) -> EventDict:
    """No key and no control character in any name or value: nobody forges a line, or writes to the terminal."""
    return {_redact_value(name): _redact_value(value, name in MULTILINE_FIELDS) for name, value in event.items()}


def _redact_value(value: Any, is_multiline: bool = False) -> Any:
    if isinstance(value, str):
        masked = mask_keys(value)
        return escape_controls(masked, CONTROLS_IN_LINE) if is_multiline else escape_controls(masked)
    if isinstance(value, dict):
        return {_redact_value(name): _redact_value(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_value(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else _redact_value(repr(value))


def _indent(logger: object, method: str, event: EventDict) -> EventDict:
    for name in MULTILINE_FIELDS:
        if name in event:
            event[name] = "\n".join(INDENT + line for line in event[name].split("\n"))
    return event
