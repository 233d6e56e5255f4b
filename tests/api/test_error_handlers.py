from collections.abc import Iterator

import pytest

from app.api.error_handlers import STATUS
from app.errors import AppError
from models.errors import ModelError, PictureRefused

NEVER_ANSWERED = {  # raised at start, in workers, or by commands only
    "ApiKeyNotFound", "BatchTooLarge", "BrokerAway", "CheckpointUnusable", "ConfigurationError", "DatasetUnavailable",
    "DatasetUnusable", "DeviceUnavailable", "ExportMismatch", "FileUnusable", "NotReproducible", "OriginGone",
    "SearchFailed", "TrainingDiverged", "WeightsDiffer",
}  # fmt: skip


def descendants(kind: type[Exception]) -> Iterator[type[Exception]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


@pytest.mark.parametrize("root", [AppError, ModelError])
def test_every_error_that_a_client_can_meet_has_a_status(root: type[Exception]) -> None:
    without = {kind.__name__ for kind in descendants(root) if not any(each in STATUS for each in kind.__mro__)}
    assert without <= NEVER_ANSWERED


def test_a_child_has_its_own_status_before_its_parent_s() -> None:
    assert (STATUS[PictureRefused], STATUS[PictureRefused.__subclasses__()[0]]) == (422, 413)
