"""Writes docs/limits.md from the code: python docs/make_limits.py

A row names where a budget stands in the code; its number is read there. tests/test_docs.py holds the page to it.
"""

import importlib
from pathlib import Path
from typing import Any, NamedTuple

from app.config import Settings

PAGE = Path(__file__).with_name("limits.md")
HEAD = """# Limits

Everything that a request or a job can occupy comes out of a budget with a number. Past it there is a clear refusal, and
everybody else is served. A budget with a setting can be changed by an operator; the others are constants, named in the
last column. `docs/make_limits.py` writes this page from the code; each budget is of one API process unless it says
otherwise.

`make hostile` attacks a service for ten minutes and prints what it held and what another client saw meanwhile.
"""


class Budget(NamedTuple):
    """One row: what is bounded, where the number stands, and what is answered past it."""

    what: str
    place: str  # `module:NAME`, `module:Class.field`, or `setting` of app.config
    unit: str
    answer: str
    test: str = ""  # under tests/limits, unless it has a path


SECTIONS: dict[str, list[Budget]] = {}  # filled below, in the order of a request's way


def main() -> None:
    PAGE.write_text(render())


def render() -> str:
    parts = [HEAD]
    for title, budgets in SECTIONS.items():
        parts.append(f"## {title}\n| what | default | setting | past it | test | where |\n|---|---:|---|---|---|---|")
        parts.append("\n".join(_row(budget) for budget in budgets) + "\n")
    return "\n".join(parts)


def _row(budget: Budget) -> str:
    setting = f"`NUMERAL_{budget.place.upper()}`" if ":" not in budget.place else ""
    where = f"`{budget.place}`" if not setting else "`app/config.py`"
    test = f"`{budget.test}`" if budget.test else ""
    number = f"{_write(read(budget.place), budget.unit)} {budget.unit}".strip()
    return f"| {budget.what} | {number} | {setting} | {budget.answer} | {test} | {where} |"


def read(place: str) -> Any:
    """The number that a row is about."""
    module, _, name = place.partition(":")
    if not name:
        return Settings.model_fields[place].default
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _write(value: Any, unit: str) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{each:,}" for each in value)
    if unit == "MB":
        return f"{value / 2**20:,.4g}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
