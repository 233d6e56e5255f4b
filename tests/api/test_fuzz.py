import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import serve_new

CONFIG = Path(__file__).with_name("schemathesis.toml")
CONFORMANCE = (
    "not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance,"
    "response_headers_conformance,negative_data_rejection"
)


@pytest.fixture(scope="module")
def own_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service of its own: the fuzzer moves aliases, and other tests register versions whose cards say little."""
    with serve_new(tmp_path_factory.mktemp("fuzz")) as (client, _):
        yield client


@pytest.mark.parametrize(
    "options",
    [
        # A batch is answered item by item and a live stream has no end: these two have runs of their own.
        ["--exclude-path-regex", "batch|events", "--checks", CONFORMANCE],
        ["--include-path-regex", "batch", "--checks", "not_a_server_error"],
        ["--include-path-regex", "events", "--checks", "not_a_server_error", "--header", "Accept: application/json"],
    ],
)
def test_fuzzer_finds_no_500_and_no_answer_off_the_document(own_api: httpx.Client, options: list[str]) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)]
    command += ["run", f"{own_api.base_url}/openapi.json", "--seed", "1"]
    bounds = ["--phases", "coverage,fuzzing", "--max-examples", "10", "--request-timeout", "10", "--no-color"]
    found = subprocess.run([*command, *bounds, *options], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout[-15000:]
