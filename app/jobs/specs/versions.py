"""The name of a model version or an alias in a body; a version's number is taken like its name."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

MAX_LENGTH = 40  # characters of a version or an alias


def _as_name(value: Any) -> Any:
    is_whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    return str(int(value)) if is_whole else value


Version = Annotated[
    str,
    Field(min_length=1, max_length=MAX_LENGTH),
    BeforeValidator(_as_name),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1, "maxLength": MAX_LENGTH}, {"type": "integer"}]}),
]
