"""The views Data sets and Models: bring pictures, correct a label, promote a version and take it back."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from app.storage import open_storage
from tests.api_keys import make_key, prepare
from tests.conftest import serve
from tests.console.conftest import OpenTab
from tests.fakes import RecordedNotifier
from tests.networks import add_version
from tests.uploads import zip_of_digits


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with a second version, for whose champion nobody else asks."""
    settings, sessions = prepare(tmp_path_factory.mktemp("models"))
    with serve(settings, RecordedNotifier()) as client:
        client.get("/readyz").raise_for_status()
        add_version(sessions, open_storage(settings), "job:other", validation={"accuracy": 0.5})
        yield client
    sessions.close()


def champion(service: httpx.Client) -> str:
    version: str = service.get("/v1/models/aliases/champion").json()["version"]
    return version


def test_a_data_set_is_uploaded_corrected_and_deleted(
    open_tab: OpenTab, service: httpx.Client, refusals: list[str]
) -> None:
    refusals.append("422")
    page = open_tab("/#/datasets", base_url=str(service.base_url))
    expect(page.get_by_text("No data set of yours yet")).to_be_visible()
    files = page.get_by_label("Files")
    files.set_input_files({"name": "Notes.zip", "mimeType": "application/zip", "buffer": b"no zip"})
    expect(page.get_by_label("Name")).to_have_value("notes")
    page.get_by_label("Name").fill("My digits")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("A lower-case letter, then up to 39")
    page.get_by_label("Name").fill("mine")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("zip")
    archive = zip_of_digits({1: 4, 7: 4})
    files.set_input_files({"name": "digits.zip", "mimeType": "application/zip", "buffer": archive})
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("digits.zip")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("mine")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("8 pictures, as the network sees them.")).to_be_visible()

    before = service.get("/v1/datasets/mine").json()
    page.get_by_role("button", name="7", exact=True).click()
    expect(page.locator(".pictures li")).to_have_count(4)
    page.locator(".pictures button").first.click()
    page.get_by_role("dialog").get_by_role("button", name="1", exact=True).click()
    expect(page.locator(".pictures li")).to_have_count(3)
    after = service.get("/v1/datasets/mine").json()
    assert (after["counts"]["1"], after["counts"]["7"]) == (5, 3)
    assert after["sha256"] != before["sha256"]

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Not now").click()
    assert service.get("/v1/datasets/mine").is_success
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete the data set").click()
    expect(page.get_by_text("No data set of yours yet")).to_be_visible()
    assert service.get("/v1/datasets/mine").status_code == 404


def test_a_version_is_promoted_past_the_gate_and_rolled_back(
    open_tab: OpenTab, service: httpx.Client, refusals: list[str]
) -> None:
    refusals.append("409")
    page = open_tab("/#/models", base_url=str(service.base_url))
    page.get_by_role("row").get_by_role("link", name="Version 2").click()
    page.get_by_role("button", name="Promote").click()
    assert champion(service) == "1"  # it asks once
    page.get_by_role("button", name="Promote version 2").click()
    expect(page.get_by_role("alert")).to_contain_text("its validation accuracy of 50.0000% is below")
    page.get_by_role("button", name="Promote all the same").click()
    expect(page.locator("h1 .tag")).to_have_text(["champion"])
    expect(page.get_by_text("Version 2 answers all predictions now.")).to_be_visible()
    expect(page.get_by_text("Version 2, reads")).to_be_visible()  # the header
    assert champion(service) == "2"
    page.get_by_role("link", name="All versions").click()
    expect(page.get_by_text("Version 2 serves")).to_be_visible()
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("Version 1 serves")).to_be_visible()
    assert champion(service) == "1"
    expect(page.locator(".timeline li")).to_have_count(3)
    expect(page.get_by_role("button", name="Roll back")).to_have_count(0)  # nothing served before version 1


def test_an_alias_is_set_moved_and_removed(open_tab: OpenTab, service: httpx.Client, refusals: list[str]) -> None:
    refusals += ["404", "422"]

    def stands_for(version: str | None) -> bool:
        answer = service.get("/v1/models/aliases/staging")
        return bool(answer.json().get("version") == version)

    page = open_tab("/#/models", base_url=str(service.base_url))
    row = page.locator(".aliases tbody tr", has_text="staging")
    page.get_by_label("Alias").fill("Staging!")
    page.get_by_role("button", name="Set the alias").click()
    expect(page.get_by_role("alert")).to_contain_text("A lower-case letter")
    page.get_by_label("Alias").fill("staging")
    page.get_by_label("Stands for").select_option("2")
    page.get_by_role("button", name="Set the alias").click()
    expect(row).to_contain_text("Version 2")
    page.get_by_label("Alias").fill("staging")
    page.get_by_label("Stands for").select_option("1")
    page.get_by_role("button", name="Set the alias").click()
    expect(page.get_by_text("staging stands for version 2. Requests that ask for it get version 1")).to_be_visible()
    assert stands_for("2")  # it asks once
    page.get_by_role("button", name="Move staging to version 1").click()
    expect(row).to_contain_text("Version 1")
    row.get_by_role("button", name="Remove").click()
    assert stands_for("1")
    page.get_by_role("button", name="Remove staging").click()
    expect(row).to_have_count(0)
    assert stands_for(None)
    expect(page.locator(".aliases").get_by_role("button", name="Remove")).to_have_count(0)  # champion stays


def test_a_note_is_written_on_a_version(open_tab: OpenTab, service: httpx.Client) -> None:
    page = open_tab("/#/models/2", base_url=str(service.base_url))
    page.get_by_role("button", name="Add a note").click()
    expect(page.get_by_label("Note on version 2")).to_be_focused()
    page.get_by_label("Note on version 2").fill("best on the scans")
    page.goto("/#/system")
    expect(page.get_by_role("heading", name="System", exact=True)).to_be_visible()
    page.goto("/#/models/2")
    page.get_by_role("button", name="Add a note").click()
    expect(page.get_by_label("Note on version 2")).to_have_value("best on the scans")
    page.get_by_role("button", name="Save the note").click()
    expect(page.locator(".note p")).to_have_text("best on the scans")
    expect(page.get_by_role("button", name="Change the note")).to_be_focused()
    assert service.get("/v1/models/2").json()["note"] == "best on the scans"
    page.get_by_role("button", name="Change the note").click()
    page.get_by_label("Note on version 2").fill("")
    page.get_by_role("button", name="Save the note").click()
    expect(page.get_by_role("button", name="Add a note")).to_be_visible()
    assert service.get("/v1/models/2").json()["note"] is None


def test_two_versions_read_one_picture_side_by_side(open_tab: OpenTab, service: httpx.Client) -> None:
    page = open_tab("/#/models/compare?a=1&b=2", base_url=str(service.base_url))
    page.get_by_label("Example 3").click()
    for side in ("a", "b"):
        expect(page.locator(f"[data-side={side}] .figure")).to_have_text("3")
    sure, unsure = (page.locator(f"[data-side={side}] .best > :last-child").inner_text() for side in ("a", "b"))
    assert float(sure.removesuffix(" %")) > float(unsure.removesuffix(" %"))
    page.get_by_label("Example 5").click()
    expect(page.locator("[data-side=a] .figure")).to_have_text("5")
    page.get_by_role("link", name="All versions").click()
    page.go_back()
    expect(page.locator("[data-side=a] .figure")).to_have_text("5")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-side=a] .figure")).to_have_text("3")


def test_a_file_is_downloaded(open_tab: OpenTab, service: httpx.Client) -> None:
    page = open_tab("/#/models/1", base_url=str(service.base_url))
    with page.expect_download() as saved:
        page.get_by_role("row", name="model.onnx").get_by_role("button", name="Download").click()
    assert saved.value.suggested_filename == "model.onnx"
    assert saved.value.path().read_bytes() == service.get("/v1/models/1/files/model.onnx").content


def test_a_version_without_an_alias_is_deleted(open_tab: OpenTab, service: httpx.Client) -> None:
    page = open_tab("/#/models/1", base_url=str(service.base_url))
    expect(page.get_by_role("heading", name="Version 1 champion")).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    page.goto("/#/models/2")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete the version").click()
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    assert service.get("/v1/models/2").status_code == 404


def test_a_key_is_asked_for_beside_what_needs_it(
    open_tab: OpenTab, tmp_path_factory: pytest.TempPathFactory, refusals: list[str]
) -> None:
    refusals += ["401", "403"]
    settings, sessions = prepare(tmp_path_factory.mktemp("keys"))
    key = make_key(sessions, "train")
    with serve(settings, RecordedNotifier()) as client:
        page = open_tab("/#/train/new", base_url=str(client.base_url))
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Use this key").click()
        page.get_by_label("Name").fill("with a key")
        page.get_by_role("button", name="Start the training").click()
        expect(page.get_by_role("heading", name="with a key")).to_be_visible()
        expect(page.get_by_text("0 of 4 epochs")).to_be_visible()  # the stream is asked with the key, too
        page.goto("/#/system")
        expect(page.get_by_role("alert")).to_contain_text("admin")
        page.context.close()
    sessions.close()
