"""The Backprop view: its numbers are the service's."""

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.config import Settings
from app.db import Sessions
from app.migrations.migrate import upgrade
from app.storage import open_storage
from tests.conftest import free_port, serve
from tests.console.conftest import OpenTab
from tests.console.waiting import wait_until
from tests.fakes import RecordedNotifier
from worker.runner import run_next
from worker.sweep import sweep

PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1600, "height": 900}}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service of its own, with a worker for sweeps."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("backprop"), port=free_port())
    upgrade(settings.resolved_database_url)
    sessions, storage, has_ended = Sessions(settings.resolved_database_url), open_storage(settings), threading.Event()

    def work() -> None:
        while not has_ended.wait(0.02):
            run_next(sessions, "sweeps", {"backprop_sweep": lambda run: sweep(run, storage)})

    worker = threading.Thread(target=work)
    with serve(settings, RecordedNotifier()) as client:
        assert client.get("/readyz").is_success
        worker.start()
        yield client
        has_ended.set()
        worker.join()
    sessions.close()


@pytest.fixture
def page(open_tab: OpenTab, service: httpx.Client) -> Page:
    return opened(open_tab, service)


def opened(open_tab: OpenTab, service: httpx.Client, query: str = "", **options: Any) -> Page:
    page = open_tab(f"/#/backprop{query}", base_url=str(service.base_url), **options)
    expect_trained(page)
    return page


def expect_trained(page: Page) -> None:
    expect(page.locator(".lab:not(.busy) .graph")).to_be_visible(timeout=20_000)


def last_result(service: httpx.Client) -> dict[str, Any]:
    [job] = service.get("/v1/jobs", params={"limit": 1}).json()["items"]
    result: dict[str, Any] = service.get(f"/v1/jobs/{job['id']}").json()["result"]
    return result


def shown(page: Page, selector: str, name: str, value: str) -> dict[str, float]:
    """The numbers behind what is drawn, by name."""
    pairs = page.locator(selector).evaluate_all(
        "(all, [name, value]) => all.map((each) => [each.dataset[name], Number(each.dataset[value])])", [name, value]
    )
    return dict(pairs)


def test_every_number_of_an_epoch_is_the_services(page: Page, service: httpx.Client) -> None:
    page.get_by_role("button", name="η 0.5").click()
    page.get_by_label("Epoch", exact=True).fill("30")
    expect(page.locator("[data-epoch]")).to_have_text("30")
    result = last_result(service)
    trial = result["trials"][2]
    weights = dict(zip((f"w{number}" for number in range(1, 9)), trial["weights"][30], strict=True))
    asked = {"weights": list(weights.values()), "learning_rate": 0.5}
    trace = service.post("/v1/backprop/trace", json=asked).raise_for_status().json()

    assert shown(page, ".link line[data-weight]", "weight", "value") == weights
    gradients = shown(page, ".link line[data-weight]", "weight", "gradient")
    assert gradients == pytest.approx({name: trace["gradients"][name] for name in weights}, rel=1e-12)
    steps = shown(page, "[data-step]", "step", "value")
    expected = trace["forward"] | {"E1": trace["errors"]["E1"], "E": trace["errors"]["E_total"]}
    expected |= {f"∂E/∂{name}": value for name, value in trace["gradients"].items()}
    expected |= {f"{name} new": value for name, value in trace["updated_weights"].items()}
    assert {name: steps[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    assert trace["updated_weights"] == pytest.approx(dict(zip(weights, trial["weights"][31], strict=True)), rel=1e-12)

    losses = page.locator(".chip [data-loss]").evaluate_all("all => all.map((each) => Number(each.dataset.loss))")
    assert losses == [each["loss"][30] for each in result["trials"]]
    assert steps["E"] == pytest.approx(trial["loss"][30], rel=1e-12)
    assert float(page.locator("[data-critical]").inner_text()) == result["critical_learning_rate"]
    limit = float(page.locator("[data-limit]").get_attribute("data-limit") or 0)
    assert limit == pytest.approx(trial["stability_limit"]["end"], rel=1e-5)

    page.locator(".unit").nth(2).hover()
    expect(page.locator(".net .readout")).to_contain_text(f"a_h1 = {trace['forward']['a_h1']:.12g}")


def test_xor_is_one_click_away(page: Page, service: httpx.Client) -> None:
    page.get_by_role("button", name="XOR").click()
    expect(page.get_by_role("group", name="Sample")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="η 1 ").click()
    page.get_by_label("Epoch", exact=True).press("End")
    trial = last_result(service)["trials"][2]
    assert trial["learning_rate"] == 1
    for sample, [expected] in enumerate(trial["final_outputs"]):
        page.get_by_role("group", name="Sample").get_by_role("button").nth(sample).click()
        expect(page.locator("[data-unit=a_o1]")).to_have_text(f"{expected:.3g}".replace("-", "\N{MINUS SIGN}"))
    outputs = [output for [output] in trial["final_outputs"]]
    assert outputs == pytest.approx([1, 1, 0, 0], abs=0.1)
    assert max(outputs) < 1
    expect(page.get_by_text("Out of the panel leads the path of η 2.")).to_be_visible()
    expect(page.get_by_text("A target of -1 or 1 is approached, not reached")).to_be_visible()


def test_keys_move_the_epochs_and_the_address_brings_everything_back(
    page: Page, open_tab: OpenTab, service: httpx.Client
) -> None:
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator("[data-epoch]")).to_have_text("11")
    page.get_by_role("button", name="Next").click()
    page.locator("[aria-current=step]").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[aria-current=step]")).to_have_attribute("data-step", "h2")
    expect(page.locator(".formula .katex").first).to_be_visible()
    page.get_by_role("button", name="Linear").click()
    page.get_by_role("button", name="Gradients").click()
    page.get_by_label("Another learning rate").fill("3")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("button", name="η 3", exact=False)).to_be_visible()
    address = page.url.partition("#")[2].removeprefix("/backprop")
    again = opened(open_tab, service, address)
    for tab in (page, again):
        expect(tab.locator("[data-epoch]")).to_have_text("11")
        expect(tab.locator("[aria-current=step]")).to_have_attribute("data-step", "h2")
        expect(tab.locator(".lab .choice [aria-pressed=true]")).to_have_text(["Gradients", "Linear"])
        expect(tab.locator(".chip .figure").last).to_have_text("η 3")
    count = len(service.get("/v1/jobs").json()["items"])
    again.reload()
    expect_trained(again)
    assert len(service.get("/v1/jobs").json()["items"]) == count  # the service knows the sweep again


def test_a_network_of_ones_own_and_what_is_wrong_with_it(page: Page, service: httpx.Client) -> None:
    page.get_by_text("Change the network").click()
    page.locator("[name=layers]").fill("2-3-1")
    page.get_by_role("button", name="Overshoot").click()  # the same network at other rates: what is typed stays
    expect_trained(page)
    page.get_by_role("button", name="Remove learning rate 300").click()
    expect(page.locator(".chip .figure").last).to_have_text("η 100")
    expect(page.locator("[name=layers]")).to_have_value("2-3-1")
    page.get_by_role("button", name="Train").click()
    expect(page.locator("label", has=page.locator("[name=samples]"))).to_contain_text(
        "Each line of the samples needs 2 inputs, a colon and 1 target"
    )
    page.locator("[name=samples]").fill("0.1, 0.2 : 0.3\n0.4, 0.5 -> 7")
    page.get_by_role("button", name="Train").click()
    expect(page.locator("label", has=page.locator("[name=samples]"))).to_contain_text(
        "Each target lies between 0 and 1, as the outputs of sigmoid do."
    )
    page.locator("[name=samples]").fill("0.1, 0.2 : 0.3\n0.4, 0.5 -> 0.7")
    page.get_by_role("button", name="Train").click()
    expect(page.locator(".graph .link")).to_have_count(3 * 2 + 3, timeout=20_000)
    spec = service.get("/v1/jobs", params={"limit": 1}).json()["items"][0]["spec"]
    assert spec["layers"] == [2, 3, 1]
    trial = last_result(service)["trials"][-1]
    names = shown(page, ".link line[data-weight]", "weight", "value")
    assert list(names.values()) == trial["weights"][0] == [w for m in spec["weights"] for row in m for w in row]


def test_a_refused_network_is_told_at_its_fields_and_the_one_before_is_named(page: Page, refusals: list[str]) -> None:
    refusals.append("422")
    rates, samples = ",".join(map(str, range(1, 12))), ";".join(["0:0"] * 1000)
    page.goto(
        f"/#/backprop?layers=1-1&epochs=5000&rates={rates}&samples={samples}"
    )  # only the service counts the steps
    expect(page.locator("label", has=page.locator("[name=epochs]")).get_by_role("alert")).to_have_text(
        "Learning rates x epochs x samples is 55,000,000; at most 50,000,000 are allowed."
    )
    expect(page.get_by_text("Below is still the network before: 2-2-2 network")).to_be_visible()
    expect(page.locator(".lab.old")).to_be_visible()
    page.goto("/#/backprop?layers=100-1&epochs=0&rates=1e300")
    expect(page.get_by_role("alert").filter(visible=True)).to_have_text(
        [
            "Layers are 2 to 5 whole numbers up to 8, such as 2-3-1.",
            "Epochs are a whole number from 1 to 5000.",
            re.compile("Learning rates are at most 12 numbers above 0"),
        ]
    )
    samples = ";".join(f"{number}:1" for number in range(-1, -10, -1))
    page.goto(f"/#/backprop?layers=1-1&activation=relu&samples={samples}&seed=2")
    expect(page.get_by_text("The ground is flat")).to_be_visible()
    page.get_by_role("combobox", name="Sample").select_option("9: -9 → 1")
    expect(page.locator(".unit").first).to_contain_text("\N{MINUS SIGN}9")
    page.get_by_role("button", name="Workbook").click()
    expect_trained(page)
    expect(page.locator(".lab.old, .setup [aria-invalid]")).to_have_count(0)


@pytest.mark.parametrize(("options", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"])
def test_it_fits_and_axe_finds_nothing_serious(
    open_tab: OpenTab, service: httpx.Client, options: dict[str, Any], scheme: str
) -> None:
    page = opened(open_tab, service, "?step=14&epoch=20", **options, color_scheme=scheme, reduced_motion="reduce")
    page.get_by_text("Change the network").click()
    wait_until(page, "document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    serious = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    assert not serious, json.dumps([[rule["id"], [node["html"] for node in rule["nodes"]]] for rule in serious])
