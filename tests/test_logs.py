import io
import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
from structlog.contextvars import bound_contextvars

from app.logs import configure_logging


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, as it was before when the test is over."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level


def written(root: logging.Logger, style: Literal["console", "json"]) -> str:
    configure_logging(style)
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream := io.StringIO())
    try:
        raise ValueError("odd")
    except ValueError:
        with bound_contextvars(request_id="r-1"):
            logging.getLogger("numeral.test").exception("job %s fails", "j-1", extra={"key": "k-1"})
    return stream.getvalue()


def test_json_line_is_one_object_with_ids_fields_and_traceback(root: logging.Logger) -> None:
    text = written(root, "json")
    assert text.count("\n") == 1
    line = json.loads(text)
    assert (line["message"], line["level"], line["logger"]) == ("job j-1 fails", "error", "numeral.test")
    assert (line["request_id"], line["key"]) == ("r-1", "k-1")
    assert line["at"].endswith("Z")
    assert "ValueError: odd" in line["exception"]


def test_console_line_is_for_people(root: logging.Logger) -> None:
    first, *rest = written(root, "console").splitlines()
    assert "job j-1 fails" in first
    assert "request_id=r-1" in first
    assert "\x1b" not in first
    assert any("ValueError: odd" in line for line in rest)
