"""Tabs of a real Chromium. Each test fails if a page wrote an error to the console or asked another host."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

OpenTab = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; without it a laptop skips and CI fails.

    For one file at a time: Playwright's event loop runs in this thread until the end, and no other can run meanwhile.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        message = "there is no Chromium to test with: apt-get install chromium"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])  # CI runs as root
        expect.set_options(timeout=60_000)  # beside other work
        yield browser
        browser.close()


@pytest.fixture
def refusals() -> list[str]:
    """What a test expects to be refused: the codes of the console's lines about it."""
    return []


@pytest.fixture
def open_tab(browser: Browser, api: httpx.Client, refusals: list[str]) -> Iterator[OpenTab]:
    """Opens a page of the service in a tab of its own."""
    contexts, wrong = [], []

    def open_tab(path: str = "/", *, base_url: str = str(api.base_url), **options: Any) -> Page:
        context = browser.new_context(base_url=base_url, **options)
        contexts.append(context)

        def note_console(message: ConsoleMessage) -> None:
            is_expected = "Failed to load resource" in message.text and any(code in message.text for code in refusals)
            if message.type in ("error", "warning") and not is_expected:
                wrong.append(message.text)

        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", note_console)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: is_foreign(request.url) and wrong.append(f"asked {request.url}"))
        page.goto(path)
        return page

    def is_foreign(url: str) -> bool:
        return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))

    yield open_tab
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def page(open_tab: OpenTab) -> Page:
    """The page to draw on."""
    return open_tab()
