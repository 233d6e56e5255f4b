"""The API reference at /docs."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response, expect

from app.db import Sessions
from app.storage import open_storage
from docs.make_examples import zip_of_sevens
from tests.api_keys import make_key, prepare
from tests.conftest import serve, serve_new
from tests.console.conftest import OpenTab
from tests.fakes import RecordedNotifier
from tests.searches import run_search
from tests.workers import run_job
from worker.sweep import sweep
from worker.training import train


@pytest.fixture
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address of a service that wants keys, and a key."""
    settings, sessions = prepare(tmp_path_factory.mktemp("keys"))
    key = make_key(sessions, "predict")
    sessions.close()
    with serve(settings, RecordedNotifier()) as client:
        yield str(client.base_url), key


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_reference_lists_the_endpoints_and_tries_them(open_tab: OpenTab, scheme: str) -> None:
    page = open_tab("/docs", color_scheme=scheme)
    expect(page.get_by_role("button", name="POST /v1/predict/batch The digits")).to_be_visible()
    expect(page.locator("html.dark-mode")).to_have_count(int(scheme == "dark"))
    assert list_models(page)["items"][-1]["version"] == "1"  # other tests may have added newer ones
    expect(page.get_by_role("main")).to_have_count(1)
    found = Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_a_key_is_entered_there(open_tab: OpenTab, guarded: tuple[str, str], refusals: list[str]) -> None:
    refusals.append("401")
    address, key = guarded
    page = open_tab("/docs", base_url=address)
    page.get_by_role("button", name="Authorize").first.click()
    page.locator("input").first.fill(key)
    page.locator(".modal-ux").get_by_role("button", name="Apply credentials").first.click()
    page.locator(".modal-ux").get_by_role("button", name="Close").last.click()
    assert list_models(page)["items"][0]["version"] == "1"


def list_models(page: Page) -> dict[str, list[dict[str, str]]]:
    """What GET /v1/models answers to "Try it out", once it is shown."""
    found: dict[str, list[dict[str, str]]] = execute(page, "/v1/models").json()
    expect(page.locator(".live-responses-table .highlight-code code, .live-responses-table pre").first).to_contain_text(
        "items"
    )
    return found


@pytest.fixture
def used_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with a job of each kind that has succeeded, and a data set of its own."""

    def submit(**spec: Any) -> str:
        job_id: str = client.post("/v1/jobs", json=spec).raise_for_status().json()["id"]
        return job_id

    with serve_new(tmp_path_factory.mktemp("used")) as (client, settings):
        sessions, storage = Sessions(settings.resolved_database_url), open_storage(settings)
        run_job(sessions, submit(kind="backprop_sweep", epochs=3), lambda run: sweep(run, storage))
        space = {"learning_rate": {"values": [0.1, 0.2]}}
        run_search(
            client, sessions, submit(kind="training_search", base={"dataset": "optdigits"}, space=space, trials=2)
        )
        run_job(
            sessions,
            submit(kind="mnist_training", dataset="optdigits", epochs=1),
            lambda run: train(run, storage, data_dir=settings.data_dir, mnist_dir=None),
        )
        files: dict[str, Any] = {"name": (None, "mine"), "file": ("mine.zip", zip_of_sevens())}
        client.post("/v1/datasets", files=files).raise_for_status()
        sessions.close()
        yield client


def test_values_that_exist_are_filled_in(used_service: httpx.Client, open_tab: OpenTab) -> None:
    page = open_tab("/docs", base_url=str(used_service.base_url))
    for path in ("{job_id}", "{job_id}/curves", "{job_id}/hardest.png", "{job_id}/trials", "compare"):
        assert execute(page, f"/v1/jobs/{path}").status == 200
    assert execute(page, "/v1/datasets/{name}/pictures").json()["items"][0]["digit"] == 7


def execute(page: Page, path: str) -> Response:
    """What a GET of the path answers to "Try it out"."""
    operation = page.locator(".opblock-get", has=page.locator(f"[data-path='{path}']"))
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch") as answer:
        operation.get_by_role("button", name="Execute").click()
    return answer.value
