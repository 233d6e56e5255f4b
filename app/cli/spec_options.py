"""Command-line options that are made from the fields of a spec, so that none is written twice."""

import json
from collections.abc import Callable, Collection
from inspect import Parameter, Signature
from typing import Annotated, Any, Literal

import typer
from pydantic import BaseModel

SCALARS: dict[str, type] = {"integer": int, "number": float, "boolean": bool}


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
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    one = kinds[0] if len(kinds) == 1 else {}
    help_text = schema.get("description", "")
    if isinstance(schema.get("default"), str | float | int):
        help_text = f"{help_text} [{json.dumps(schema['default'])}]".strip()
    is_nullable = len(kinds) < len(schema.get("anyOf", [schema])) and schema.get("default") is not None
    kind: Any = SCALARS.get(one.get("type", ""), str)
    if "enum" in one:
        kind = Literal[tuple(one["enum"])]
    elif is_nullable:  # "null" must be possible
        kind = str
    low, high = (one.get(bound) if kind in (int, float) else None for bound in ("minimum", "maximum"))
    option = typer.Option(help=help_text, show_default=False, min=low, max=high)
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
