import threading

import pytest

from app.background import Periodic
from app.errors import DatabaseUnavailable


def test_thread_outlives_whatever_a_call_raises(caplog: pytest.LogCaptureFixture) -> None:
    errors = [DatabaseUnavailable("away"), DatabaseUnavailable("away"), ZeroDivisionError("a bug")]
    went_on = threading.Event()

    def work() -> None:
        if errors:
            raise errors.pop(0)
        went_on.set()

    periodic = Periodic("test", work, seconds=0.001).start()
    assert went_on.wait(10)
    periodic.close()
    assert [record.getMessage() for record in caplog.records] == ["test: away", "test: unexpected error; it goes on"]
