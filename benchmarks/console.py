"""How soon the page to draw on is there, and answers: python benchmarks/console.py

Needs Chromium. Times are those of the browser; the service runs on this machine.
"""

import math
import shutil
import statistics
from collections.abc import Callable

from playwright.sync_api import Browser, Page, sync_playwright
from services import running, wait_until_predicting

DRAWINGS = 200
VISITS = 5

# Milliseconds from each lifting of the pen until the frame after the answer to what was drawn then.
STOPWATCH = """
() => {
    let lifted = null;
    globalThis.latencies = [];
    addEventListener("pointerup", (event) => event.target.matches("canvas") && (lifted = performance.now()), true);
    const plain = fetch;
    globalThis.fetch = async (path, options) => {
        const start = lifted;
        const answer = await plain(path, options);
        if (start !== null && start === lifted && path.startsWith("/v1/predict")) {
            lifted = null;
            requestAnimationFrame(() => requestAnimationFrame(() => latencies.push(performance.now() - start)));
        }
        return answer;
    };
}
"""


def main() -> None:
    with running("api") as (client, _, _), sync_playwright() as playwright:
        wait_until_predicting(client)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for path, sign in (("/", "canvas"), ("/docs", ".opblock")):
            visits = [visit(browser, f"{client.base_url}{path}", sign) for _ in range(VISITS)]
            paint = statistics.median(paint for paint, _, _ in visits)
            _, own, vendored = visits[0]
            print(
                f"{path}: first paint after {paint:.0f} ms (median); {own:,} bytes of ours, {vendored:,} of libraries"
            )
        page = browser.new_page(base_url=str(client.base_url))
        page.goto("/")
        page.evaluate(STOPWATCH)
        early = 0
        for number in range(DRAWINGS):
            draw(page, lambda share, number=number: (0.5 + 0.2 * math.sin(6 * share + number), 0.2 + 0.6 * share))
            page.wait_for_timeout(150)
            page.get_by_role("button", name="Clear").click()
            if number == DRAWINGS // 10:
                early = heap_bytes(page)
        latencies = sorted(page.evaluate("latencies"))
        p50, p95 = (latencies[int(share * len(latencies))] for share in (0.5, 0.95))
        print(f"pen lifted to bars painted: p50 {p50:.0f} ms, p95 {p95:.0f} ms of {len(latencies)} drawings")
        sizes = f"{early / 1e6:.1f} and {heap_bytes(page) / 1e6:.1f} MB"
        print(f"JavaScript heap after {DRAWINGS // 10} and {DRAWINGS} drawings: {sizes}")


def visit(browser: Browser, url: str, sign: str) -> tuple[float, int, int]:
    """Milliseconds to the first paint with an empty cache, and the bytes of our own files and of libraries."""
    page = browser.new_context().new_page()
    sizes: dict[str, int] = {}
    page.on("response", lambda answer: sizes.setdefault(answer.url, int(answer.headers.get("content-length", 0))))
    page.goto(url)
    page.wait_for_selector(sign)
    paint: float = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    page.context.close()
    vendored = sum(size for name, size in sizes.items() if "/vendor/" in name)
    return paint, sum(sizes.values()) - vendored, vendored


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
