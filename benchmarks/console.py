"""How soon each view of the console is there and what it sends, and how soon the page to draw on answers:
python benchmarks/console.py

Needs Chromium. Times are those of the browser; the service runs on this machine.
"""

import math
import shutil
import statistics
import time
from collections.abc import Callable
from functools import partial

import httpx
from playwright.sync_api import Browser, Page, sync_playwright
from services import running, wait_until_predicting

DRAWINGS = 200
VISITS = 5

# Milliseconds from each lifting of the pen until the page has painted what `path` answered to what was drawn then.
STOPWATCH = """
(path) => {
    let lifted = null;
    globalThis.latencies = [];
    addEventListener("pointerdown", () => (lifted = null), true);
    addEventListener("pointerup", (event) => event.target.matches("canvas") && (lifted = performance.now()), true);
    const widths = () => [...document.querySelectorAll(".bars .track span")].map(widthOf);
    const widthOf = (bar) => parseFloat(bar.style.transform.replace("scaleX(", ""));
    const isShown = ({ text, probabilities }) => text === undefined
        ? widths().join() === probabilities.map((share) => Number(share.toFixed(4))).join()
        : document.querySelector("[data-answer]")?.dataset.answer === text;
    const watch = (found, start) => {
        const look = () => {
            if (!isShown(found)) return;
            watcher.disconnect();
            requestAnimationFrame(() => requestAnimationFrame(() => latencies.push(performance.now() - start)));
        };
        const watcher = new MutationObserver(look);
        watcher.observe(document.querySelector(".said"), { subtree: true, childList: true, attributes: true });
        look();
    };
    const plain = fetch;
    globalThis.fetch = async (address, options) => {
        const start = lifted;
        const answer = await plain(address, options);
        if (answer.ok && start !== null && start === lifted && address.includes(path)) {
            lifted = null;
            answer.clone().json().then((found) => watch(found, start), () => {}); // rejected: the request was cancelled
        }
        return answer;
    };
}
"""

SIZES = """
() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
    .filter(({ name }) => name.startsWith(location.origin))
    .map(({ name, encodedBodySize }) => [name, encodedBodySize])
"""


def main() -> None:
    with running("up") as (client, _, _), sync_playwright() as playwright:
        wait_until_predicting(client)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        print("| view | first paint | our code | libraries | answers of the API |\n|---|---|---|---|---|")
        for view, (path, sign) in views(train(client)).items():
            visits = [visit(browser, f"{client.base_url}{path}", sign) for _ in range(VISITS)]
            paint = statistics.median(paint for paint, _ in visits)
            sizes = " | ".join(f"{size / 1000:.1f} kB" for size in visits[0][1].values())
            print(f"| {view} | {paint:.0f} ms | {sizes} |")
        for name, path, places, drawings in (
            ("one digit", "/v1/predict", (0.5,), DRAWINGS),
            ("two digits", "/v1/read", (0.3, 0.7), DRAWINGS // 4),
        ):
            page = browser.new_page(base_url=str(client.base_url))
            page.goto("/")
            page.evaluate(STOPWATCH, path)
            early = 0
            for number in range(drawings):
                for place in places:
                    breadth = 0.2 if len(places) == 1 else 0.03
                    draw(page, partial(scribble, place, breadth, number))
                while page.evaluate("latencies.length") <= number:
                    page.wait_for_timeout(20)
                page.get_by_role("button", name="Clear").click()
                if number == drawings // 10:
                    early = heap_bytes(page)
            latencies = sorted(page.evaluate("latencies"))
            p50, p95 = (latencies[int(share * len(latencies))] for share in (0.5, 0.95))
            print(f"pen lifted to {name} shown: p50 {p50:.0f} ms, p95 {p95:.0f} ms of {len(latencies)} drawings")
            sizes = f"{early / 1e6:.1f} and {heap_bytes(page) / 1e6:.1f} MB"
            print(f"JavaScript heap after {drawings // 10} and {drawings} drawings: {sizes}")
            page.close()


def scribble(place: float, breadth: float, number: int, share: float) -> tuple[float, float]:
    """A point of a stroke from top to bottom, at that share of it; each number bends it in another way."""
    return place + breadth * math.sin(6 * share + number), 0.2 + 0.6 * share


def train(client: httpx.Client) -> str:
    """Train a network of few pictures. Returns the job's id."""
    spec = {"kind": "mnist_training", "dataset": "optdigits", "recipe": "quick"}
    job: dict[str, str] = client.post("/v1/jobs", json=spec).raise_for_status().json()
    while client.get(f"/v1/jobs/{job['id']}").json()["status"] in ("queued", "running"):
        time.sleep(1)
    return job["id"]


def views(job_id: str) -> dict[str, tuple[str, str]]:
    """The address of each view, and what is there once all of it is."""
    return {
        "Draw": ("/", "canvas"),
        "Backprop": ("/#/backprop", ".lab:not(.busy) .graph"),
        "Train: the runs": ("/#/train", ".runs"),
        "Train: a new run": ("/#/train/new", "form.start"),
        "Train: a run": (f"/#/train/{job_id}", ".chart canvas"),
        "Data": ("/#/datasets", ".built-in"),
        "Models": ("/#/models", ".timeline"),
        "Models: a version": ("/#/models/1", ".matrix"),
        "System": ("/#/system", ".health"),
        "API": ("/docs", ".opblock"),
    }


def visit(browser: Browser, url: str, sign: str) -> tuple[float, dict[str, int]]:
    """Milliseconds to the first paint with an empty cache, and the bytes of the bodies as they were sent."""
    page = browser.new_context().new_page()
    page.goto(url)
    page.wait_for_selector(sign)
    page.wait_for_load_state("networkidle")
    paint: float = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    sizes = {"our code": 0, "libraries": 0, "answers": 0}
    for name, size in page.evaluate(SIZES):
        path = httpx.URL(name).path
        is_ours = path in ("/", "/docs") or path.startswith("/console/")
        sizes["libraries" if "/vendor/" in path else "our code" if is_ours else "answers"] += size
    page.context.close()
    return paint, sizes


def draw(page: Page, curve: Callable[[float], tuple[float, float]]) -> None:
    box = page.locator(".sheet canvas").bounding_box()
    assert box is not None
    places = [
        (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (curve(step / 10) for step in range(11))
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()


def heap_bytes(page: Page) -> int:
    """After a garbage collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used: int = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used


if __name__ == "__main__":
    main()
