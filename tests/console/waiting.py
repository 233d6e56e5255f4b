"""Wait for what no locator sees."""

import time
from typing import Any

from playwright.sync_api import Page


def wait_until(page: Page, condition: str, argument: Any = None, *, seconds: float = 60) -> None:
    """Wait until a JavaScript expression, or a function of `argument`, is true in the page.

    Playwright's own wait_for_function evaluates the text again inside the page, where its Content-Security-Policy
    forbids that: it fails whenever the condition is not true at once.
    """
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition, argument):
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {condition}"
        page.wait_for_timeout(20)
