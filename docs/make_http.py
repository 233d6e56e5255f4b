"""Writes docs/http.md from the code: python docs/make_http.py. tests/test_docs.py holds the page to it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

from app.access.scopes import scopes_for
from app.api.openapi import operations
from app.api.schemas.events import EpochEvent, LogEvent, RungEvent, StatusEvent, TrialEvent
from app.config import Settings
from app.jobs.notifier import CeleryNotifier
from app.jobs.specs.recipe_fields import RECIPE_NAMES, RecipeFields
from app.main import create_app
from app.services import Services
from models.recipes import RECIPES, Recipe

PAGE = Path(__file__).with_name("http.md")
HEAD = """# The HTTP API

`/docs` of a running service has every parameter and answer, and lets you try them; `/openapi.json` is the same for
programs. Wherever there is a `GET` there is a `HEAD`. [errors.md](errors.md) lists the errors. Where keys exist, a
request needs one with one of its scopes, or `admin` ([security.md](security.md)). In a query, a misspelt name, one of
another endpoint and a second value are refused; a name that is like none is ignored. With `Prefer: wait=N`, a
submission is answered with 200 and the result if the job ends within N seconds (at most 60). `/` has pages to draw on
(also on [a phone](console/phone.png)), to train, and to [watch backpropagation](console/backprop.png).

`make pages` writes this page from the code.
"""
EVENTS = """
## Events of a job
`GET /v1/jobs/{job_id}/events` sends them as Server-Sent Events, or as JSON: `id` (from 1, without a gap), `event`, `at`
and `data`. A reader that comes back with `Last-Event-ID` goes on after that event.

| event | fields of `data` | |
|---|---|---|
"""
FIELDS = """
## Fields of a training
Of `mnist_training`, and of the `base` and the `space` of a search. A named recipe fills in what is left out: its values
are shown. [training.md](training.md) explains the recipes; `GET /v1/recipes` answers with all of this.

"""


def make() -> str:
    """Returns the page."""
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        schema = create_app(Services(settings, CeleryNotifier(settings.resolved_redis_url))).openapi()
    sections = "".join(_section(schema, tag) for tag in schema["tags"])
    return HEAD + sections + EVENTS + "".join(_events()) + FIELDS + _recipes()


def _section(schema: dict[str, Any], tag: Mapping[str, str]) -> str:
    rows = "".join(
        f"| `{method} {path}` | {operation['summary']} | {_query(operation)} | {_scopes(method, path)} |\n"
        for path, method, operation in operations(schema)
        if tag["name"] in operation["tags"]
    )
    title = tag["name"][0].upper() + tag["name"][1:]
    return f"\n## {title}\n{tag['description']}\n\n| | | query | scopes |\n|---|---|---|---|\n{rows}"


def _query(operation: Mapping[str, Any]) -> str:
    return ", ".join(f"`{each['name']}`" for each in operation.get("parameters", ()) if each["in"] == "query")


def _scopes(method: str, path: str) -> str:
    scopes = dict.fromkeys(scopes_for(method, path))
    return ", ".join(f"`{scope}`" for scope in scopes) or "no key"


def _events() -> Iterator[str]:
    for kind in (StatusEvent, EpochEvent, TrialEvent, RungEvent, LogEvent):
        name = get_args(kind.model_fields["event"].annotation)[0]
        data = kind.model_fields["data"].annotation
        for each in get_args(data) or (data,):
            fields = ", ".join(f"`{field}`" for field in each.model_fields)
            about = " ".join((each.__doc__ or "").split())
            yield f"| `{name}` | {fields} | {about} |\n"


def _recipes() -> str:
    properties = RecipeFields.model_json_schema()["properties"]
    names = " | ".join(f"`{name}`" for name in RECIPES)
    rows = "".join(
        f"| `{name}` | {_bounds(properties[name])} | {' | '.join(_value(recipe, name) for recipe in RECIPES.values())} "
        f"| {properties[name]['description']} |\n"
        for name in RECIPE_NAMES
    )
    return f"| field | values | {names} | meaning |\n|---|---|{'---:|' * len(RECIPES)}---|\n{rows}"


def _bounds(schema: Mapping[str, Any]) -> str:
    """What a field may be, from its JSON schema."""
    found = []
    for choice in schema.get("anyOf", [schema]):
        low, high = choice.get("minimum"), choice.get("maximum")
        if "enum" in choice:
            found += [f"`{each}`" for each in choice["enum"]]
        elif choice["type"] == "boolean":
            found.append("`true`, `false`")
        elif choice["type"] == "null":
            found.append("null")
        else:
            lowest = f"above {choice['exclusiveMinimum']:g}" if low is None else f"{low:g}"
            highest = f"below {choice['exclusiveMaximum']:g}" if high is None else f"{high:g}"
            found.append(f"{lowest} to {highest}")
    return ", ".join(found)


def _value(recipe: Recipe, name: str) -> str:
    value = getattr(recipe, name)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value).lower()


if __name__ == "__main__":
    PAGE.write_text(make())
