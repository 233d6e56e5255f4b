"""Numbers as JSON has them: true and "1" are refused."""

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Strict


def _refuse_bool_and_str(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError(f"a whole number is expected, not {json.dumps(value):.40}")
    return value


Number = Annotated[float, Strict()]
WHOLE = BeforeValidator(_refuse_bool_and_str)  # Strict would refuse 1.0, which JSON calls 1
WholeNumber = Annotated[int, WHOLE]
# In a list or a union, bounds stand before WHOLE (Annotated[int, Field(ge=1), WHOLE]): behind it, pydantic writes
# `ge` into the JSON schema, where no reader knows it.
