"""Numbers as JSON has them: true and "1" are refused."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Strict


def _refuse_bool_and_str(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError(f"a whole number is expected, not {value!r:.40}")
    return value


Number = Annotated[float, Strict()]
WholeNumber = Annotated[int, BeforeValidator(_refuse_bool_and_str)]  # Strict would refuse 1.0, which JSON calls 1
