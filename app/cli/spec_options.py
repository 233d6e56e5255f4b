"""Command-line options that are made from the fields of a spec, so that none is written twice."""

import json
from collections.abc import Callable, Collection
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from app.cli.service import name_commands

TYPES = {"integer": "INTEGER", "number": "NUMBER", "string": "TEXT", "array": "LIST"}


def spec_parameters(model: type[BaseModel], *, exclude: Collection[str] = ()) -> list[Parameter]:
    """A keyword parameter for each field but `kind`, for a command that Typer reads. None: it was not given."""
    properties = model.model_json_schema()["properties"]
    return [_parameter(name, schema) for name, schema in properties.items() if name not in {"kind", *exclude}]


def given_fields(model: type[BaseModel], options: dict[str, Any]) -> dict[str, Any]:
    """The fields that were given, as JSON has them. What is no number or text is read as JSON, or as a list."""
    properties = model.model_json_schema()["properties"]
    return {
        name: _parse(value, properties[name]) if isinstance(value, str) else value
        for name, value in options.items()
        if name in properties and value is not None
    }


def with_parameters(command: Callable[..., None], parameters: list[Parameter]) -> Callable[..., None]:
    """The command, as if it had these parameters in place of **options."""
    own = [one for one in Signature.from_callable(command).parameters.values() if one.kind is not Parameter.VAR_KEYWORD]
    own = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in own]
    command.__signature__ = Signature([*parameters, *own])  # type: ignore[attr-defined]
    return command


def _parameter(name: str, schema: dict[str, Any]) -> Parameter:
    """An option of text, but for flags: the service judges its value, in the words of every other error."""
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    one = kinds[0] if len(kinds) == 1 else {}
    help_text = name_commands(schema.get("description", ""))
    if isinstance(schema.get("default"), str | float | int):
        help_text = f"{help_text} [{json.dumps(schema['default'])}]".strip()
    is_flag = schema.get("type") == "boolean"
    choices: list[str] = one.get("enum", [])
    option = typer.Option(
        help=help_text,
        show_default=False,
        metavar=None if is_flag else "|".join(choices) or TYPES.get(one.get("type", ""), "JSON"),
        autocompletion=(lambda incomplete: [each for each in choices if each.startswith(incomplete)])
        if choices
        else None,
    )
    kind: Any = bool if is_flag else str
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option])


def _parse(text: str, schema: dict[str, Any]) -> Any:
    kinds = [one.get("type") for one in schema.get("anyOf", schema.get("oneOf", [schema]))]
    if kinds == ["string"] or kinds == ["string", "null"]:
        return text
    found = _scalar(text) if text.lstrip()[:1] in ("[", "{", '"') or "," not in text else None
    if found is None and text != "null":
        found = [_scalar(part.strip()) for part in text.split(",")]
    return [found] if kinds == ["array"] and not isinstance(found, list) else found


def _scalar(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
