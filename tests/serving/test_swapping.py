import threading
import time
from itertools import cycle
from typing import Any

import httpx
import numpy as np
import pytest

from app.db import Sessions
from app.registry import aliases
from app.registry.service import MODEL_FILE, SHIPPED
from app.storage import Storage
from models.inference.classifier import DigitClassifier
from tests.api.v2.bodies import as_json, tensor
from tests.networks import add_version, other_network

CHAMPION = "/v1/models/aliases/champion"
PICTURES = np.random.default_rng(0).random((40, 784), np.float32).round(2)  # more than the engine takes at once
SWAPS = 20


class Clients:
    """Three clients that ask without a pause, each in its own way, and keep what they are told."""

    def __init__(self, api: httpx.Client) -> None:
        self.url, self.is_over = api.base_url, False
        self.failures: list[str] = []
        self.answers: list[tuple[str, np.ndarray[Any, Any]]] = []  # version, probabilities (n, 10)
        self.threads = [threading.Thread(target=self._ask, args=(count,)) for count in (1, 3, 40)]

    def _ask(self, count: int) -> None:
        body = as_json(tensor(count, data=PICTURES[:count].ravel().tolist()), outputs=[{"name": "probabilities"}])
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while not self.is_over:
                answer = client.post("/v2/models/digits/infer", content=body)
                if answer.status_code == 200:
                    told = answer.json()
                    self.answers.append((told["model_version"], np.array(told["outputs"][0]["data"]).reshape(-1, 10)))
                else:
                    self.failures.append(answer.text)


@pytest.fixture
def clients(api: httpx.Client) -> Any:
    clients = Clients(api)
    for thread in clients.threads:
        thread.start()
    yield clients
    clients.is_over = True
    for thread in clients.threads:
        thread.join()


def test_twenty_swaps_under_load_fail_nobody_and_no_answer_mixes_versions(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage, clients: Clients
) -> None:
    other = add_version(api_sessions, api_storage, "job:swapped")
    networks = {"1": DigitClassifier((SHIPPED / MODEL_FILE).read_bytes()), other: DigitClassifier(other_network())}
    expected = {version: network.predict(PICTURES * 255) for version, network in networks.items()}
    assert np.abs(expected["1"] - expected[other]).max(axis=1).min() > 0.001  # every picture tells them apart
    for _, version in zip(range(SWAPS), cycle([other, "1"]), strict=False):
        before = len(clients.answers)
        answer = api.put(CHAMPION, json={"version": version})
        assert answer.status_code == 200, answer.text
        deadline = time.monotonic() + 10
        while len(clients.answers) < before + 5:
            assert time.monotonic() < deadline
    clients.is_over = True
    for thread in clients.threads:
        thread.join()
    assert clients.failures == []
    assert {version for version, _ in clients.answers} == {"1", other}
    for version, probabilities in clients.answers:
        np.testing.assert_allclose(probabilities, expected[version][: len(probabilities)], atol=2e-6)


def test_what_another_process_sets_serves_here_within_a_second(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage
) -> None:
    def served() -> str:
        version: str = api.post("/v2/models/digits/infer", content=as_json(tensor())).json()["model_version"]
        return version

    other = add_version(api_sessions, api_storage, "job:elsewhere")
    for version in (other, "1"):
        aliases.set_alias(api_sessions, "champion", version)
        start = time.monotonic()
        while served() != version:
            assert time.monotonic() < start + 1
