"""The API and its pages behind a proxy that serves them under /numeral/ and removes that from each request."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from app.config import Settings
from app.migrations.migrate import upgrade
from numeral_client import Client
from tests.conftest import free_port, serve
from tests.console.conftest import OpenTab
from tests.console.test_docs_page import list_models
from tests.fakes import RecordedNotifier

SEVEN = Path(__file__).parents[2] / "docs" / "examples" / "seven.png"
CONFIG = """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend path
    bind 127.0.0.1:{port}
    http-request return status 404 unless {{ path_beg /numeral/ }}
    http-request replace-path /numeral(/.*) \\1
    default_backend numeral
backend numeral
    server api 127.0.0.1:{api_port}
"""
pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="HAProxy is not installed")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service behind the proxy; whatever asks beside /numeral/ is answered 404."""
    folder, port = tmp_path_factory.mktemp("path"), free_port()
    settings = Settings(data_dir=folder, port=free_port(), root_path="/numeral")
    upgrade(settings.resolved_database_url)
    config = folder / "haproxy.cfg"
    config.write_text(CONFIG.format(port=port, api_port=settings.port))
    with serve(settings, RecordedNotifier()):
        process = subprocess.Popen(["haproxy", "-db", "-f", str(config)])
        try:
            wait_for(f"http://127.0.0.1:{port}/numeral/readyz")
            yield f"http://127.0.0.1:{port}/numeral/"
        finally:
            process.kill()
            process.wait(10)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_links_of_the_api_lead_back_through_the_proxy(address: str) -> None:
    with httpx.Client(base_url=address, follow_redirects=True) as client:
        job = client.post("v1/jobs", json={"kind": "backprop_sweep", "epochs": 1})
        retried = client.get("v1/jobs/").raise_for_status()  # the other spelling
        model, dataset = client.get("v1/models/1").json(), client.get("v1/datasets/optdigits").json()
        links = [job.headers["location"], job.json()["links"]["self"], retried.json()["items"][0]["links"]["self"]]
        links += [model["files"][0]["href"], dataset["links"]["self"]]
        for link in links:
            assert link.startswith("/numeral/v1/")
            assert client.get(httpx.URL(address).join(link)).is_success
        assert client.get("v1/models/9").json()["instance"] == "/numeral/v1/models/9"
        assert client.get("openapi.json").json()["servers"] == [{"url": "/numeral"}]
    with Client(address) as numeral:
        assert numeral.predict(SEVEN).digit == 7


def test_the_pages_load_all_that_they_need(address: str, open_tab: OpenTab) -> None:
    page = open_tab("./", base_url=address)
    expect(page.locator("#state")).to_contain_text("Version 1")
    for view in ("Backprop", "Train", "Data", "Models", "System"):
        page.get_by_role("link", name=view, exact=True).click()
        expect(page).to_have_title(f"{view} · Numeral")
    page.goto("./#/models/1")
    with page.expect_download() as saved:
        page.get_by_role("row", name="card.json").get_by_role("button", name="Download").click()
    assert saved.value.suggested_filename == "card.json"
    page.get_by_role("link", name="API").click()
    expect(page.locator("[data-path='/v1/models']")).to_be_visible()
    page.get_by_role("link", name="Numeral").click()
    expect(page).to_have_title("Draw · Numeral")
    page.goto("v1/backprop/trace.html")
    expect(page.locator(".formula .katex").first).to_be_visible()


def test_the_reference_asks_under_the_path(address: str, open_tab: OpenTab) -> None:
    assert list_models(open_tab("docs", base_url=address))["items"][0]["version"] == "1"
