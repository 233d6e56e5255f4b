"""A real service with keys: processes that count together, logs without secrets, and starts that are refused."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.config import Settings
from app.migrations.migrate import upgrade
from tests.api.test_health import wait_until
from tests.api.test_metrics import scrape, total
from tests.api_keys import PIXELS, bearer
from tests.cli.test_main import numeral
from tests.conftest import free_port

REQUESTS = 400


class ApiWithKeys:
    """`numeral api` in two processes on all addresses, with a Redis that is away."""

    def __init__(self, data_dir: Path) -> None:
        self.port, self.log = free_port(), data_dir / "log"
        self.settings = {
            "NUMERAL_HOST": "0.0.0.0",
            "NUMERAL_PORT": str(self.port),
            "NUMERAL_API_PROCESSES": "2",
            "NUMERAL_LOG_FORMAT": "json",
            "NUMERAL_REDIS_URL": "redis://:broker-password@127.0.0.1:9/0",
        }
        self.data_dir = data_dir
        self.run("migrate")
        created = self.run("keys", "create", "operator", "--scope", "admin", "--json")
        self.key: str = json.loads(created)["key"]
        environment = os.environ | self.settings | {"NUMERAL_DATA_DIR": str(data_dir)}
        with self.log.open("w") as log:
            command = [sys.executable, "-m", "app.cli", "api"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.url = f"http://127.0.0.1:{self.port}"
        wait_until(self.is_ready, seconds=60)

    def run(self, *arguments: str) -> str:
        done = numeral(*arguments, folder=self.data_dir, **self.settings)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").is_success
        except httpx.TransportError:
            return False

    def ask(self, path: str = "/v1/models", key: str | None = None) -> httpx.Response:
        """On a connection of its own, so that either process may take it."""
        return httpx.get(f"{self.url}{path}", headers=bearer(key or self.key))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWithKeys]:
    api = ApiWithKeys(tmp_path_factory.mktemp("keys"))
    yield api
    api.process.send_signal(signal.SIGTERM)
    api.process.wait(30)


def test_counts_of_both_processes_add_up_exactly_under_load(api: ApiWithKeys) -> None:
    def predict_all(count: int) -> None:
        for _ in range(count // 20):
            with httpx.Client(base_url=api.url, headers=bearer(api.key)) as client:
                for _ in range(20):
                    assert client.post("/v1/predict", json=PIXELS).status_code == 200

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(predict_all, [REQUESTS // 4] * 4))

    def count(name: str, **labels: str) -> float:
        with httpx.Client(base_url=api.url, headers=bearer(api.key)) as client:
            return total(scrape(client), name, **labels)

    assert count("numeral_http_requests_total", route="/v1/predict", status="200") == REQUESTS
    assert count("numeral_predictions_total") == REQUESTS
    wait_until(lambda: count("numeral_batch_size_sum") == REQUESTS, seconds=5)  # the other process counts in a moment
    assert len(list((api.data_dir / "metrics" / str(api.port)).glob("*.numbers"))) == 2


def test_revocation_reaches_every_process_within_seconds(api: ApiWithKeys) -> None:
    key = api.run("keys", "create", "leaver", "--expires", "90d").strip()
    wait_until(lambda: {api.ask(key=key).status_code for _ in range(12)} == {200}, seconds=5)
    api.run("keys", "revoke", key)
    wait_until(lambda: 200 not in {api.ask(key=key).status_code for _ in range(12)}, seconds=5)
    assert "revoked" in api.run("keys", "list")
    assert key not in api.run("keys", "list", "--json")


def test_log_lines_are_json_with_request_ids_and_hold_no_secret(api: ApiWithKeys) -> None:
    made_up = "numeral_0123456789_" + "5eed" * 16
    headers = bearer(api.key) | {"X-Request-Id": "trace-me"}
    httpx.post(f"{api.url}/v1/jobs", json={"kind": "backprop_sweep"}, headers=headers)
    api.ask(key=made_up)
    api.ask(path=f"/v1/models?api_key={made_up}")
    wait_until(lambda: "trace-me" in api.log.read_text(), seconds=5)
    text = api.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    audit = next(line for line in lines if line.get("request_id") == "trace-me")
    assert (audit["logger"], audit["key"]) == ("numeral.audit", api.key.split("_")[1])
    assert (audit["message"], audit["location"][:9]) == ("POST /v1/jobs 202", "/v1/jobs/")
    secret = api.key.split("_")[2]
    assert not any(word in text for word in (secret, made_up, "5eed5eed", "broker-password"))


def test_predictions_do_not_wait_for_redis_that_is_away(api: ApiWithKeys) -> None:
    answer = httpx.post(f"{api.url}/v1/predict", json=PIXELS, headers=bearer(api.key))
    assert (answer.status_code, answer.elapsed.total_seconds() < 1) == (200, True)


def test_other_addresses_need_a_key_or_the_word_and_one_sentence_says_so(tmp_path: Path) -> None:
    upgrade(Settings(data_dir=tmp_path).resolved_database_url)
    done = numeral("api", "--host", "0.0.0.0", "--port", str(free_port()), folder=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert done.stderr.startswith("error: The service would listen on 0.0.0.0 without API keys")


@pytest.mark.parametrize("command", ["api", "worker"])
def test_another_schema_is_said_at_start_in_one_sentence(tmp_path: Path, command: str) -> None:
    done = numeral(command, folder=tmp_path, NUMERAL_PORT=str(free_port()))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert done.stderr.startswith("error: The database's file is not there.")
    assert "numeral migrate" in done.stderr
