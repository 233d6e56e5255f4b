"""Numbers as JSON has them: true is not 1, and "1" is not 1 either."""

from typing import Annotated, Any

from pydantic import BeforeValidator


def _refuse_look_alikes(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError(f"a number is wanted, not {value!r}")
    return value


Number = Annotated[float, BeforeValidator(_refuse_look_alikes)]
WholeNumber = Annotated[int, BeforeValidator(_refuse_look_alikes)]
