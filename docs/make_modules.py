"""Writes docs/modules.md from the code: python docs/make_modules.py. tests/test_docs.py holds the page to it."""

import ast
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("modules.md")
PACKAGES = ("app", "worker", "models", "client/numeral_client")
LEFT_OUT = ("app/migrations/versions",)  # one file per change of the schema
HEAD = """# Modules

Every module, with the first sentence that it says of itself. [architecture.md](architecture.md) explains how they work
together. `docs/make_modules.py` writes this page from the code.
"""


def make() -> str:
    """Returns the page."""
    parts = [HEAD]
    for folder, modules in groupby(find(), key=lambda module: module.parent):
        parts.append(f"\n## {folder.as_posix()}\n{_first_sentence(folder / '__init__.py')}\n\n| | |\n|---|---|\n")
        parts += [
            f"| `{module.stem}` | {_first_sentence(module)} |\n" for module in modules if module.stem != "__init__"
        ]
    return "".join(parts)


def find() -> Iterator[Path]:
    """The modules, folder by folder, relative to the root."""
    for package in PACKAGES:
        for folder in sorted({path.parent for path in (ROOT / package).rglob("*.py")}):
            if folder.relative_to(ROOT).as_posix() not in LEFT_OUT:
                yield from (path.relative_to(ROOT) for path in sorted(folder.glob("*.py")))


def _first_sentence(module: Path) -> str:
    text = ast.get_docstring(ast.parse((ROOT / module).read_text())) or ""
    sentence, _, _ = " ".join(text.split("\n\n")[0].split()).partition(". ")
    return (sentence if sentence.endswith(("?", ".")) else f"{sentence}.").replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(make())
