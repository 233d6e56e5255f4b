"""The API reference at /docs."""

import json
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.api_keys import make_key, prepare
from tests.conftest import serve
from tests.console.conftest import OpenTab
from tests.fakes import RecordedNotifier


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
    """What GET /v1/models answers to "Try it out"."""
    operation = page.locator(".opblock", has=page.locator("[data-path='/v1/models']"))
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/v1/models*") as answer:
        operation.get_by_role("button", name="Execute").click()
    shown = operation.locator(".live-responses-table .highlight-code code, .live-responses-table pre").first
    expect(shown).to_contain_text("items")
    found: dict[str, list[dict[str, str]]] = json.loads(answer.value.text())
    return found
