"""Writes docs/console/*.png, the README's pictures of the console, from a running service:
`python docs/make_pictures.py --url URL`. It trains small networks there, and needs workers and Chromium.

With `--all FOLDER` it writes every view into that folder instead, whole, in light and dark, 1280 and 360 wide.
"""

import argparse
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

PLACE = Path(__file__).parent / "console"
DESK = {"viewport": {"width": 1280, "height": 900}}
TALL = {"viewport": {"width": 1280, "height": 1060}}
TALLEST = {"viewport": {"width": 1280, "height": 1180}}  # down to the derivation
PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
DARK = {"color_scheme": "dark"}
TRAINING = {"kind": "mnist_training", "dataset": "optdigits"}
SEARCH = {
    "kind": "training_search",
    "base": {"dataset": "optdigits", "recipe": "quick"},
    "space": {"learning_rate": {"low": 0.02, "high": 0.5, "log": True}, "batch_size": {"values": [64, 128]}},
    "trials": 6,
}
MOST = 8_000  # pixels of height: the reference of the API is longer

Views = dict[str, tuple[str, Callable[[Page], None]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--all", metavar="FOLDER", type=Path, help="write every view into this folder instead")
    given = parser.parse_args()
    with httpx.Client(base_url=given.url) as client, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        if given.all is None:
            write_best(browser, client)
        else:
            write_all(browser, client, given.all)
        browser.close()


def write_best(browser: Browser, client: httpx.Client) -> None:
    job_id = run(client, TRAINING | {"recipe": "fast", "epochs": 12})
    pictures: dict[str, tuple[dict[str, Any], str, Callable[[Page], None]]] = {
        "draw": (DESK, "/", lambda page: draw(page, "3")),
        "phone": (PHONE | DARK, "/", lambda page: draw(page, "42")),
        "backprop": (TALLEST, "/#/backprop?epoch=12&step=14", wait_for_backprop),
        "train": (TALL, f"/#/train/{job_id}", wait_for_run),
    }
    for name, (device, path, prepare) in pictures.items():
        page = open_page(browser, client, device, path)
        prepare(page)
        page.screenshot(path=PLACE / f"{name}.png")
        page.close()


def write_all(browser: Browser, client: httpx.Client, folder: Path) -> None:
    runs = [run(client, TRAINING | {"recipe": "quick", "learning_rate": rate}) for rate in (0.05, 0.1)]
    found = views(runs, run(client, SEARCH))
    folder.mkdir(parents=True, exist_ok=True)
    for width, device in ((1280, DESK), (360, PHONE)):
        for scheme in ("light", "dark"):
            for name, (path, prepare) in found.items():
                page = open_page(browser, client, device | {"color_scheme": scheme}, path)
                prepare(page)
                page.wait_for_load_state("networkidle")
                height = min(MOST, page.evaluate("document.documentElement.scrollHeight"))
                clip: Any = {"x": 0, "y": 0, "width": width, "height": height}
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True, clip=clip)
                page.close()


def views(runs: list[str], search_id: str) -> Views:
    """The address of each view, and what to do or to wait for there."""
    return {
        "draw-empty": ("/", see("canvas")),
        "draw": ("/", lambda page: draw(page, "3")),
        "draw-several": ("/", lambda page: draw(page, "42")),
        "backprop": ("/#/backprop?epoch=12&step=14", wait_for_backprop),
        "backprop-refused": ("/#/backprop?layers=100-1&epochs=0", see(".setup [aria-invalid]")),
        "train": ("/#/train", see(".runs")),
        "train-new": ("/#/train/new", see("form.start")),
        "train-search-new": ("/#/train/new?kind=training_search", see("form.start")),
        "train-run": (f"/#/train/{runs[0]}", wait_for_run),
        "train-search": (f"/#/train/{search_id}", lambda page: expect(page.locator("img.sheet")).to_have_count(2)),
        "train-compare": (f"/#/train/compare?ids={','.join(runs)}", see(".chart canvas")),
        "data": ("/#/datasets", see(".built-in")),
        "models": ("/#/models", see(".timeline")),
        "models-version": ("/#/models/1", see(".matrix")),
        "models-compare": ("/#/models/compare?a=1&b=2", see("canvas")),
        "system": ("/#/system", see(".health")),
        "docs": ("/docs", see(".opblock")),
    }


def open_page(browser: Browser, client: httpx.Client, device: dict[str, Any], path: str) -> Page:
    page = browser.new_page(base_url=str(client.base_url), reduced_motion="reduce", **device)
    page.set_default_timeout(60_000)
    page.goto(path)
    return page


def run(client: httpx.Client, spec: dict[str, Any]) -> str:
    """Returns the id of a job that has ended."""
    job: dict[str, str] = client.post("/v1/jobs", json=spec).raise_for_status().json()
    while client.get(f"/v1/jobs/{job['id']}").json()["status"] in ("queued", "running"):
        time.sleep(1)
    return job["id"]


def see(selector: str) -> Callable[[Page], None]:
    return lambda page: expect(page.locator(selector).first).to_be_visible(timeout=20_000)


def draw(page: Page, digits: str) -> None:
    page.get_by_label(f"Example {digits}", exact=True).click()
    page.mouse.move(0, 0)
    expect(page.locator(f"[data-answer='{digits}']")).to_be_visible()
    expect(page.get_by_text("Read by version")).to_be_visible()


def wait_for_backprop(page: Page) -> None:
    expect(page.locator(".lab:not(.busy) .graph")).to_be_visible(timeout=20_000)
    expect(page.locator(".formula .katex").first).to_be_visible()


def wait_for_run(page: Page) -> None:
    expect(page.locator(".chart canvas")).to_have_count(3)
    expect(page.locator(".matrix")).to_be_visible()


if __name__ == "__main__":
    main()
