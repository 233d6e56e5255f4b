"""Stores of both kinds."""

import pytest

from app.storage import Storage


@pytest.fixture(params=["folder", "s3"])
def any_storage(request: pytest.FixtureRequest) -> Storage:
    """An empty store, once of each kind."""
    storage: Storage = request.getfixturevalue("storage" if request.param == "folder" else "s3_storage")
    return storage
