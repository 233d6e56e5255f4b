import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from app.config import Settings
from app.migrations.migrate import upgrade
from docs import make_backprop, make_errors, make_http, make_limits, make_metrics, make_modules, make_settings
from tests.conftest import free_port, serve
from tests.workers import WorkingNotifier

ROOT = Path(__file__).parents[1]


@pytest.fixture
def working_api(tmp_path: Path) -> Iterator[httpx.Client]:
    """A service in this process that does its sweeps."""
    settings = Settings(data_dir=tmp_path, port=free_port())
    upgrade(settings.resolved_database_url)
    with serve(settings, WorkingNotifier(settings)) as client:
        yield client


def test_the_backprop_page_says_what_the_service_answers(working_api: httpx.Client) -> None:
    made = make_backprop.make(working_api)
    assert (make_backprop.DOCS / "backprop.md").read_text() == made.pop("backprop.md").decode()
    for name, picture in made.items():
        committed, now = (_numbers(content) for content in ((make_backprop.DOCS / name).read_bytes(), picture))
        assert committed == pytest.approx(now, abs=0.01), name


def test_the_curl_on_the_page_leads_to_the_picture(working_api: httpx.Client) -> None:
    headers = {"Accept": "image/svg+xml", "Prefer": "wait=10"}
    answer = working_api.post("/v1/jobs", json={"kind": "backprop_sweep"}, headers=headers, follow_redirects=True)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert _numbers(answer.content) == pytest.approx(
        _numbers((make_backprop.DOCS / "pictures/sweep.svg").read_bytes()), abs=0.01
    )


def _numbers(svg: bytes) -> list[float]:
    """All coordinates of a picture; their last digits may differ from one processor to the next."""
    return [float(number) for number in re.findall(rb"(?<![\w#.-])-?\d+(?:\.\d+)?(?![\w.-])", svg)]


def test_page_of_limits_is_written_from_the_code() -> None:
    assert make_limits.PAGE.read_text() == make_limits.render()
    root = make_limits.PAGE.parents[1]
    tests = [budget.test for budgets in make_limits.SECTIONS.values() for budget in budgets if budget.test]
    assert all((root / (test if "/" in test else f"tests/limits/{test}")).is_file() for test in tests)


@pytest.mark.parametrize(
    "script", [make_errors, make_http, make_metrics, make_modules, make_settings], ids=lambda script: script.PAGE.name
)
def test_page_is_written_from_the_code(script: ModuleType) -> None:
    assert script.PAGE.read_text() == script.make()


def test_example_of_settings_lists_each_setting_and_no_other() -> None:
    named = re.findall(r"^#NUMERAL_([A-Z_]+?)(?:_FILE)?=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert {name.lower() for name in named} == set(Settings.model_fields)


def test_map_shows_the_layers_of_the_import_contracts() -> None:
    page = " ".join((ROOT / "docs/architecture.md").read_text().split())
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for package in ("app", "models"):
        [layers] = [each["layers"] for each in contracts if each.get("containers") == [package]]
        assert " ".join((package, *layers)) in page


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "client").glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_names_of_files_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for place in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        file, _, heading = place.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), place
        assert not heading or heading in anchors(target), place
    names = re.findall(r"`((?:app|worker|models|client|tests|docs|benchmarks|deploy|requirements)/[\w/.-]+)[`: ]", text)
    assert [name for name in names if not (re.search("/[A-Z]+[.]", name) or (ROOT / name).exists())] == []


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub writes them in an address."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
