"""The files of the console: which are sent, where they come from, and how large they are."""

import hashlib
import re
from pathlib import Path

import httpx
import pytest

from app.api.console import CONSOLE, FILES

MAX_OWN_BYTES = 80_000  # sent for one view
PAGES = {"/": "index.html", "/docs": "docs.html"}


def test_vendored_files_are_those_of_make_vendor() -> None:
    listed = dict(line.split("  ")[::-1] for line in (CONSOLE / "vendor" / "SHA256SUMS").read_text().splitlines())
    there = {path.relative_to(CONSOLE).as_posix() for path in (CONSOLE / "vendor").rglob("*") if path.is_file()}
    assert set(listed) == there - {"vendor/SHA256SUMS"}
    for name, digest in listed.items():
        assert hashlib.sha256((CONSOLE / name).read_bytes()).hexdigest() == digest, name
    pinned = re.search(r"^VENDOR = (.*)$", Path(CONSOLE.parents[1], "Makefile").read_text(), re.MULTILINE)
    assert pinned is not None
    versions = {path.read_text().strip() for path in (CONSOLE / "vendor").glob("*/VERSION")}
    assert versions == set(pinned[1].split())


def test_every_library_has_its_licence() -> None:
    for library in (CONSOLE / "vendor").iterdir():
        assert library.is_file() or (library / "LICENSE").is_file()


@pytest.mark.parametrize("view", sorted(path.stem for path in (CONSOLE / "views").glob("*.js")))
def test_our_own_code_of_a_view_is_small(api: httpx.Client, view: str) -> None:
    modules = imported("main.js") | imported(f"views/{view}.js")
    styles = {name for name in FILES if "/" not in name and name.endswith(".css")} | {f"views/{view}.css"}
    own = [name for name in modules | styles | {"index.html"} if not name.startswith("vendor/")]
    sent = [int(api.get(f"/console/{name}").headers["content-length"]) for name in own]
    assert 10_000 < sum(sent) < MAX_OWN_BYTES


def test_a_file_is_packed_only_for_those_who_can_unpack_it(api: httpx.Client) -> None:
    plain = api.get("/console/main.js", headers={"Accept-Encoding": "identity"})
    packed = api.get("/console/main.js", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"] == plain.headers["content-type"]
    assert packed.text == plain.text == FILES["main.js"].read_text()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_only_files_that_are_there_and_every_module_at_once(api: httpx.Client, path: str) -> None:
    page = api.get(path)
    assert page.text == FILES[PAGES[path]].read_text()
    named = set(re.findall(r'(?:href|src)="console/([^"]+)"', page.text))
    assert named <= set(FILES)
    for name in named:
        answer = api.get(f"/console/{name}")
        assert answer.status_code == 200
        assert "script-src 'self'; style-src 'self'" in answer.headers["content-security-policy"]
    if path == "/":  # a module that is not preloaded is asked for only when the one that imports it has come
        assert imported("main.js") | imported("views/draw.js") <= named | {"main.js"}


def test_a_file_that_the_browser_has_is_not_sent_again(api: httpx.Client) -> None:
    first = api.get("/console/tokens.css")
    again = api.get("/console/tokens.css", headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    for name in (
        "etag",
        "cache-control",
        "content-security-policy",
    ):  # the browser keeps these in place of the first ones
        assert again.headers[name] == first.headers[name]
    assert api.get("/console/tokens.css", headers={"If-None-Match": '"other"'}).content == first.content


def imported(name: str) -> set[str]:
    """A module and all that it imports."""
    found = {name}
    for other in re.findall(r'(?:from|import) ?"(\.[^"]+)"', FILES[name].read_text()):
        path = (FILES[name].parent / other).resolve().relative_to(CONSOLE.resolve()).as_posix()
        found |= imported(path)
    return found


@pytest.mark.parametrize(
    "name", ["vendor.sh", "tsconfig.json", "vendor/SHA256SUMS", "nothing.js", "../main.py", "views"]
)
def test_no_other_file_is_sent(api: httpx.Client, name: str) -> None:
    assert api.get(f"/console/{name}").status_code == 404
