"""Writes docs/console/*.png, the README's pictures of the console, from a running service:
`python docs/make_pictures.py --url URL [NAME ...]`. For train it trains a small network there. It needs workers,
Chromium, and cores that do nothing else: the pictures show times."""

import argparse
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect, sync_playwright

PLACE = Path(__file__).parent / "console"
DESK = {"viewport": {"width": 1280, "height": 860}}
TALL = {"viewport": {"width": 1280, "height": 1060}}
MARGIN = 20  # pixels below the last thing that is shown
PHONE = {"viewport": {"width": 360, "height": 780}, "color_scheme": "dark", "has_touch": True, "is_mobile": True}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("names", nargs="*", metavar="NAME", help="draw, phone, backprop, train; all of them by default")
    options = parser.parse_args()
    url = options.url
    with httpx.Client(base_url=url) as client, sync_playwright() as playwright:
        chosen = options.names or ["draw", "phone", "backprop", "train"]
        job_id = train(client) if "train" in chosen else ""
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        pictures: dict[str, tuple[dict[str, Any], str, Callable[[Page], None]]] = {
            "draw": (DESK, "/", draw_three),
            "phone": (PHONE, "/", lambda page: draw(page, "42")),
            "backprop": (TALL, "/#/backprop?epoch=12&step=14", wait_for_backprop),
            "train": (TALL, f"/#/train/{job_id}", wait_for_run),
        }
        for name in chosen:
            device, path, prepare = pictures[name]
            page = browser.new_page(base_url=url, reduced_motion="reduce", **device)
            page.goto(path)
            prepare(page)
            page.screenshot(path=PLACE / f"{name}.png")
            page.close()
        browser.close()


def train(client: httpx.Client) -> str:
    """Returns the id of a training that has ended."""
    spec = {"kind": "mnist_training", "dataset": "optdigits", "recipe": "fast", "epochs": 12}
    job: dict[str, str] = client.post("/v1/jobs", json=spec).raise_for_status().json()
    while client.get(f"/v1/jobs/{job['id']}").json()["status"] in ("queued", "running"):
        time.sleep(1)
    return job["id"]


def draw(page: Page, digits: str) -> None:
    page.get_by_label(f"Example {digits}", exact=True).click()
    page.mouse.move(0, 0)
    expect(page.locator(f"[data-answer='{digits}']")).to_be_visible()
    expect(page.get_by_text("Read by version")).to_be_visible()


def draw_three(page: Page) -> None:
    draw(page, "5")  # what is asked first takes longer
    draw(page, "3")
    end_below(page, ".origin")


def end_below(page: Page, selector: str) -> None:
    """Make the window as high as the page down to that place."""
    page.evaluate("scrollTo(0, 0)")
    box, size = page.locator(selector).bounding_box(), page.viewport_size
    assert box is not None
    assert size is not None
    page.set_viewport_size({"width": size["width"], "height": round(box["y"] + box["height"]) + MARGIN})


def wait_for_backprop(page: Page) -> None:
    expect(page.locator(".lab:not(.busy) .graph")).to_be_visible(timeout=20_000)
    expect(page.locator(".formula .katex").first).to_be_visible()
    end_below(page, ".stepper")


def wait_for_run(page: Page) -> None:
    expect(page.locator(".chart canvas")).to_have_count(3)
    expect(page.locator(".matrix")).to_be_visible()


if __name__ == "__main__":
    main()
