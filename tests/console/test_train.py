"""The views Train and System: start a training, watch its epochs arrive, compare, and see what went wrong."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from app.config import Settings
from app.db import Sessions
from app.jobs import runs
from app.jobs.transitions import Claim
from app.storage import Storage
from tests.console.conftest import OpenTab
from tests.console.waiting import wait_until
from tests.s3 import Line
from tests.searches import run_search
from tests.workers import claim, run_job
from worker.training import train

PHONE = {"viewport": {"width": 360, "height": 780}, "color_scheme": "dark", "reduced_motion": "reduce"}


def submit(api: httpx.Client, **spec: Any) -> str:
    answer = api.post("/v1/jobs", json={"kind": "mnist_training", "dataset": "optdigits"} | spec)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def report_epoch(sessions: Sessions, claimed: Claim, epoch: int) -> None:
    figures = {
        "epoch": epoch,
        "train_loss": 1 / epoch,
        "validation_loss": 1.1 / epoch,
        "validation_accuracy": 1 - 0.5 / epoch,
        "learning_rate": 0.1,
        "images_per_second": 5000.0,
    }
    assert runs.report(sessions, claimed, "epoch", figures)


def expect_epochs(page: Page, done: int) -> None:
    expect(page.locator("[data-epochs]")).to_have_attribute("data-epochs", str(done))


def test_a_training_is_started_and_its_epochs_arrive(
    open_tab: OpenTab,
    api: httpx.Client,
    api_sessions: Sessions,
    api_storage: Storage,
    tmp_path: Path,
    refusals: list[str],
) -> None:
    refusals.append("422")
    page = open_tab("/#/train")
    page.get_by_role("link", name="New training").click()
    page.get_by_label("Data set").select_option("optdigits")
    page.get_by_label("Name").fill("the first one")
    page.get_by_role("textbox", name="Epochs").fill("0")
    page.get_by_role("button", name="Start the training").click()
    expect(page.get_by_text("It must be at least 1, not 0.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Epochs")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("the first one")
    page.get_by_role("textbox", name="Epochs").fill("2")
    page.get_by_role("button", name="Start the training").click()
    expect(page.get_by_text("It waits for a worker")).to_be_visible()
    expect_epochs(page, 0)
    job_id = page.url.rpartition("/")[2]
    assert api.get(f"/v1/jobs/{job_id}").json()["name"] == "the first one"

    def work() -> None:
        run_job(api_sessions, job_id, lambda run: train(run, api_storage, data_dir=tmp_path, mnist_dir=None))

    worker = threading.Thread(target=work)
    worker.start()
    expect(page.locator("[data-epochs]")).to_have_attribute("data-epochs", "2", timeout=120_000)  # torch loads
    worker.join()
    result = api.get(f"/v1/jobs/{job_id}").json()["result"]
    expect(page.get_by_text(f"Version {result['model_version']} did not become champion")).to_be_visible()
    expect(page.get_by_text("only versions trained on mnist may become champion")).to_be_visible()
    expect(page.locator(".number")).to_have_text(f"{100 * result['test']['accuracy']:.2f} %")
    counts = [str(count or "·") for row in result["test"]["confusion"] for count in row]
    expect(page.locator(".matrix tbody td")).to_have_text(counts)
    expect(page.get_by_alt_text("The 25 test pictures")).to_be_visible()
    expect(page.locator(".chart canvas")).to_have_count(3)


@pytest.fixture
def wire(api: httpx.Client, api_settings: Settings) -> Iterator[Line]:
    """A way to the service that can be cut."""
    line = Line(api_settings.port)
    yield line
    line.close()


def test_no_event_is_missed_when_the_connection_is_lost(
    open_tab: OpenTab, api: httpx.Client, api_sessions: Sessions, wire: Line, refusals: list[str]
) -> None:
    refusals += ["net::ERR_"]  # what is on its way when the line is cut ends in one way or another
    job_id = submit(api, epochs=4)
    claimed = claim(api_sessions, job_id)
    report_epoch(api_sessions, claimed, 1)
    page = open_tab(f"/#/train/{job_id}", base_url=wire.url)
    expect_epochs(page, 1)
    expect(page.locator(".chart canvas")).to_have_count(3)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.headers.get("last-event-id", "")))
    wire.close()
    expect(page.get_by_text("The connection is lost.")).to_be_visible()
    report_epoch(api_sessions, claimed, 2)
    report_epoch(api_sessions, claimed, 3)
    expect_epochs(page, 1)
    wire.open()
    expect_epochs(page, 3)
    expect(page.get_by_text("The connection is lost.")).to_have_count(0)
    assert "3" in asked  # queued, running and the first epoch had been seen
    page.get_by_text("The numbers of each epoch").click()
    rows = page.get_by_role("group", name="Numbers of each epoch").locator("tbody th")
    expect(rows).to_have_text(["1", "2", "3"])
    runs.fail(api_sessions, claimed, reason="error", detail="The loss is not finite at step 7.")
    expect(page.get_by_text("The loss is not finite at step 7.")).to_be_visible()


def test_a_training_is_cancelled_and_retried(open_tab: OpenTab, api: httpx.Client, api_sessions: Sessions) -> None:
    job_id = submit(api, epochs=3, name="in vain")
    claimed = claim(api_sessions, job_id)
    page = open_tab("/#/train")
    page.get_by_role("link", name="in vain").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".title .status")).to_have_text("cancelling")
    runs.end_cancelled(api_sessions, claimed)
    expect(page.locator(".title .status")).to_have_text("cancelled")
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(page.locator(".title .status")).to_have_text("queued")
    report_epoch(api_sessions, claim(api_sessions, job_id), 1)
    expect_epochs(page, 1)


def test_a_refused_field_stays_open_while_it_is_corrected(open_tab: OpenTab, refusals: list[str]) -> None:
    refusals.append("422")
    page = open_tab("/#/train/new")
    page.get_by_label("Data set").select_option("optdigits")
    page.locator("summary", has_text="Learning").click()
    batch_size = page.get_by_role("textbox", name="Batch size")
    batch_size.fill("4000")
    page.get_by_role("button", name="Start the training").click()
    expect(batch_size).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("It was not started")
    page.keyboard.press("Control+a")
    page.keyboard.type("64")
    expect(batch_size).to_have_value("64")
    expect(batch_size).to_be_focused()


def test_a_form_whose_answer_is_lost_starts_one_job(open_tab: OpenTab, api: httpx.Client, refusals: list[str]) -> None:
    refusals.append("ERR_CONNECTION_REFUSED")

    def lose_answer(route: Route) -> None:
        assert route.fetch().status == 202
        route.abort("connectionrefused")

    page = open_tab("/#/train/new")
    page.get_by_label("Data set").select_option("optdigits")
    page.get_by_label("Name").fill("sent twice")
    page.get_by_label("Tags").fill("scans, first try")
    page.route("**/v1/jobs", lose_answer)
    page.get_by_role("button", name="Start the training").click()
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer.")
    page.unroute("**/v1/jobs")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="sent twice")).to_be_visible()
    expect(page.locator("h1 .tag")).to_have_text(["scans", "first try"])
    [job] = api.get("/v1/jobs", params={"name": "sent twice"}).json()["items"]
    assert job["id"] == page.url.rpartition("/")[2]


def test_a_training_is_retried_with_changes(
    open_tab: OpenTab, api: httpx.Client, api_sessions: Sessions, refusals: list[str]
) -> None:
    refusals.append("422")
    job_id = submit(api, epochs=3, name="too fast")
    claimed = claim(api_sessions, job_id)
    report_epoch(api_sessions, claimed, 1)
    runs.fail(api_sessions, claimed, reason="error", detail="The loss is not finite at step 70.")
    page = open_tab(f"/#/train/{job_id}")
    page.get_by_role("button", name="Retry with changes").click()
    expect(page.get_by_role("textbox", name="Learning rate")).to_be_focused()
    page.get_by_role("button", name="Start the new run").click()
    expect(page.get_by_role("alert")).to_have_text("Change at least one of them.")
    page.get_by_role("textbox", name="Learning rate").fill("-1")
    page.get_by_role("button", name="Start the new run").click()
    expect(page.get_by_text("It must be above 0, not -1.")).to_be_visible()
    page.get_by_role("textbox", name="Learning rate").fill("0.02")
    page.get_by_role("button", name="Start the new run").click()
    expect(page.get_by_text("Another run was retried with changes. It begins anew")).to_be_visible()
    new = api.get(f"/v1/jobs/{page.url.rpartition('/')[2]}").json()
    assert (new["origin"]["job"], new["spec"]["learning_rate"], new["spec"]["epochs"]) == (job_id, 0.02, 3)


def test_the_best_trials_of_a_search_are_compared_and_it_gets_more(
    open_tab: OpenTab, api: httpx.Client, api_sessions: Sessions
) -> None:
    space = {"learning_rate": {"values": [0.1, 0.2]}}
    search = {"kind": "training_search", "base": {"dataset": "optdigits"}, "space": space, "trials": 2}
    job_id = api.post("/v1/jobs", json=search).json()["id"]
    run_search(api, api_sessions, job_id)
    page = open_tab(f"/#/train/{job_id}")
    expect(page.get_by_role("heading", name="Every trial through its settings")).to_be_visible()
    expect(page.get_by_role("heading", name="How much each setting mattered")).to_have_count(0)  # there is but one
    page.get_by_role("link", name="Compare the best 2 trials").click()
    expect(page.get_by_role("heading", name="2 runs compared")).to_be_visible()
    trials = sorted(api.get(f"/v1/jobs/{job_id}/trials").json()["items"], key=lambda trial: -trial["value"])
    rates = [str(trial["params"]["learning_rate"]) for trial in trials]  # the best one first
    expect(page.get_by_role("row", name=" ".join(["Learning rate", *rates]))).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="More trials").click()
    page.get_by_role("textbox", name="Trials").fill("3")
    page.get_by_role("button", name="Go on searching").click()
    expect(page.locator(".title .status")).to_have_text("queued")
    assert api.get(f"/v1/jobs/{job_id}").json()["spec"]["trials"] == 5


def test_runs_are_laid_over_each_other(open_tab: OpenTab, api: httpx.Client, api_sessions: Sessions) -> None:
    for seed in (11, 12):
        claimed = claim(api_sessions, submit(api, epochs=3, seed=seed, name=f"seed {seed}"))
        for epoch in (1, 2):
            report_epoch(api_sessions, claimed, epoch)
    page = open_tab("/#/train")
    for seed in (11, 12):
        page.get_by_label(f"Compare seed {seed}").check()
    page.get_by_role("link", name="Compare 2 runs").click()
    expect(page.locator(".chart canvas")).to_have_count(3)
    expect(page.get_by_role("row", name="Seed 11 12")).to_be_visible()


def test_a_search_is_refused_with_a_sentence_and_then_started(
    open_tab: OpenTab, api: httpx.Client, refusals: list[str]
) -> None:
    refusals.append("422")
    page = open_tab("/#/train/new?kind=training_search")
    page.get_by_label("Learning rate: from").fill("0.9")
    page.get_by_role("button", name="Start the search").click()
    expect(page.get_by_text("Low must be below high")).to_be_visible()
    page.get_by_label("Learning rate: from").fill("0.1")
    page.get_by_label("Trials").fill("3")
    page.get_by_role("button", name="Start the search").click()
    expect(page.get_by_text("No trial yet")).to_be_visible()
    spec = api.get(f"/v1/jobs/{page.url.rpartition('/')[2]}").json()["spec"]
    assert (spec["trials"], spec["space"]["learning_rate"]["low"]) == (3, 0.1)


def test_the_system_shows_workers_their_jobs_and_the_last_errors(
    open_tab: OpenTab, api: httpx.Client, api_sessions: Sessions
) -> None:
    failed = claim(api_sessions, submit(api, name="broken"))
    runs.fail(api_sessions, failed, reason="error", detail="The disk of the worker is full.")
    runs.report_alive(api_sessions, "laptop:1", device="cpu", version="1")
    claim(api_sessions, submit(api), worker="laptop:1")
    page = open_tab("/#/system")
    expect(page.get_by_role("row", name="laptop:1 cpu training")).to_be_visible()
    expect(page.get_by_role("row", name="broken error The disk of the worker is full.")).to_be_visible()
    page.get_by_role("link", name="broken").click()
    expect(page.get_by_text("The disk of the worker is full.")).to_be_visible()


def test_every_view_fits_a_phone_and_axe_finds_nothing_serious(open_tab: OpenTab, api: httpx.Client) -> None:
    job_id = submit(api, name="for the phone")
    page = open_tab("/#/train", **PHONE)
    for path, sign in [
        ("train", "for the phone"),
        ("train/new", "Start the training"),
        (f"train/{job_id}", "It waits for a worker"),
        ("datasets", "Drop a zip here, or click to choose"),
        ("models", "is the champion"),
        ("models/1", "Digit by digit"),
        ("system", "The last errors"),
    ]:
        page.goto(f"/#/{path}")
        expect(page.get_by_text(sign).first).to_be_visible()
        wait_until(page, "document.documentElement.scrollWidth <= innerWidth")
        # without preload: axe would ask for what a style imports under the page's address
        found = Axe().run(page, options={"preload": False}).response["violations"]
        assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == [], path
