"""The types of the fields that describe a network, its samples and its weights."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from app.jobs.specs.numbers import Number

WORKBOOK_LAYERS = (2, 2, 2)
WORKBOOK_WEIGHTS = (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)

MAX_UNITS = 64  # of a layer
MAX_SAMPLES = 1000

Finite = Annotated[Number, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
LearningRate = Annotated[Number, Field(ge=1e-12, le=1e6, allow_inf_nan=False)]
Probability = Annotated[Number, Field(gt=0, lt=1, allow_inf_nan=False)]
EightWeights = tuple[Finite, Finite, Finite, Finite, Finite, Finite, Finite, Finite]


def _shape(value: Any) -> str:
    """Returns "nested" for a list whose first item is a list, else "flat"."""
    is_nested = isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple) and value[0]
    return "nested" if is_nested else "flat"


Row = Annotated[list[Finite], Field(min_length=1, max_length=MAX_UNITS)]
Samples = Annotated[
    Annotated[Row, Tag("flat")] | Annotated[list[Row], Field(min_length=1, max_length=MAX_SAMPLES), Tag("nested")],
    Discriminator(_shape),
]
Weights = Annotated[
    Annotated[EightWeights, Tag("flat")] | Annotated[list[list[Row]], Tag("nested")], Discriminator(_shape)
]
