"""How log lines look: for a person on a terminal, or one JSON object a line."""

import json
import logging
import time
from typing import Literal


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure_logging(style: Literal["console", "json"]) -> None:
    """Send this process's log to standard error."""
    handler = logging.StreamHandler()
    console = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if style == "json" else console)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("alembic", "celery", "kombu", "httpx", "uvicorn.access", "botocore", "aiobotocore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
