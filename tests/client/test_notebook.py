"""docs/client.ipynb and the examples of the client's pages, run cell by cell against a real server, as by Jupyter."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from numeral_client import Client

DOCS = Path(__file__).parents[2] / "docs"


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell. Returns what a notebook shows of it: its last expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


def test_every_cell_runs_and_what_it_shows_can_be_shown(working_service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMERAL_URL", working_service)
    monkeypatch.chdir(DOCS)
    cells = [cell for cell in json.loads((DOCS / "client.ipynb").read_text())["cells"] if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    shown = [run_cell("".join(cell["source"]), names) for cell in cells]
    pages = [one._repr_html_() for one in shown if hasattr(one, "_repr_html_")]
    assert len(pages) == 4
    assert all("<table>" in page for page in pages)
    assert [one.is_svg for one in shown if hasattr(one, "is_svg")] == [True]
    names["client"].close()


@pytest.mark.parametrize("page", ["docs/client.md", "client/README.md"])
def test_examples_of_the_page_run(
    working_service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page: str
) -> None:
    monkeypatch.setenv("NUMERAL_URL", working_service)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(DOCS)
    (tmp_path / "seven.png").symlink_to(DOCS / "examples/seven.png")
    (tmp_path / "folder" / "7").mkdir(parents=True)
    (tmp_path / "folder" / "7" / "one.png").write_bytes((DOCS / "examples/seven.png").read_bytes())
    names: dict[str, Any] = {}
    for example in re.findall(r"```python\n(.*?)```", (DOCS.parent / page).read_text(), re.DOTALL):
        run_cell(example.replace("http://127.0.0.1:8000", working_service), names)
    names["client"].close()
    with Client() as client:
        for dataset in client.datasets.list():
            if dataset.name == "mine":
                client.datasets.delete(dataset)
