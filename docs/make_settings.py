"""Writes docs/settings.md from the code: python docs/make_settings.py. tests/test_docs.py holds the page to it."""

import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from app.config import Settings

PAGE = Path(__file__).with_name("settings.md")
HEAD = """# Settings

What a deployment can change; none is needed. Each setting is an environment variable, or a line of the file `.env` in
the folder where the service starts ([.env.example](../.env.example) is one to copy). `NUMERAL_X_FILE` names a file that
holds the setting `NUMERAL_X`, for secrets. An option of a command (`--host`, `--port`, `--data-dir`, `--insecure`) goes
before the variable, the variable before the file that it names, and all of them before `.env`. A misspelt name is
refused. All processes of one service need the same settings.

[deployment.md](deployment.md) has what docker-compose.yml reads besides, [limits.md](limits.md) what is bounded without
a setting. `docs/make_settings.py` writes this page from `app/config.py`.

| setting | type | default | bounds | meaning |
|---|---|---:|---|---|
"""
OTHERS = """
## Variables of other programs

| variable | meaning |
|---|---|
| `NUMERAL_URL`, `NUMERAL_API_KEY` | the service that the command line and the Python client ask, and the key that they send |
| `NUMERAL_REVISION` | the commit that an image was built from; set by its build |
| `FORWARDED_ALLOW_IPS` | addresses of proxies whose `X-Forwarded-For`, `-Proto` and `-Prefix` are believed, with commas between them; `*`: all ([security.md](security.md)) |
| `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT_URL` | the store that `NUMERAL_STORAGE_URL` names, if it is S3; read from the environment or `~/.aws`, not from `.env` |
"""  # noqa: E501 - one variable a line
TYPES = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Path: "path"}


def make() -> str:
    """Returns the page."""
    return HEAD + "".join(map(_row, Settings.model_fields.items())) + OTHERS


def _row(setting: tuple[str, FieldInfo]) -> str:
    name, field = setting
    bounds = [f"at least {each.ge:,}" for each in field.metadata if isinstance(each, Ge)]
    bounds += [f"at most {each.le:,}" for each in field.metadata if isinstance(each, Le)]
    cells = (f"`NUMERAL_{name.upper()}`", _type(field.annotation), _default(field.default), ", ".join(bounds))
    return f"| {' | '.join((*cells, field.description or ''))} |\n"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(each) for each in arguments if each is not type(None))
    return _type(arguments[0]) if origin is Annotated else TYPES[annotation]


def _default(value: Any) -> str:
    if value in (None, ""):
        return "none"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(make())
