"""The types of the fields that describe a network, its samples and its weights."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from app.jobs.specs.numbers import Number

WORKBOOK_LAYERS = (2, 2, 2)
WORKBOOK_WEIGHTS = (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)

MAX_LAYERS = 5
MAX_UNITS = 64  # of a layer
MAX_SAMPLES = 1000

Finite = Annotated[Number, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
LearningRate = Annotated[Number, Field(ge=1e-12, le=1e6, allow_inf_nan=False)]
Constant = Annotated[Number, Field(ge=0, lt=1, allow_inf_nan=False)]  # of an optimizer
Share = Annotated[Number, Field(ge=0, le=1, allow_inf_nan=False)]


def exactly(count: int, hint: str = "") -> BeforeValidator:
    """Refuses a list of another length as a whole: of a tuple, pydantic names each number that is missing."""

    def require(value: Any) -> Any:
        if isinstance(value, list | tuple) and len(value) != count:
            raise ValueError(f"{count} numbers are expected, not {len(value)}{hint}")
        return value

    return BeforeValidator(require)


EightWeights = Annotated[
    tuple[Finite, Finite, Finite, Finite, Finite, Finite, Finite, Finite],
    Field(fail_fast=True),
    exactly(8, ": w1 to w8 of layers [2, 2, 2]; for other layers give a matrix per layer"),
]


def _shape(value: Any) -> str:
    """Returns "nested" for a list whose first item is a list, else "flat"."""
    is_nested = isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple) and value[0]
    return "nested" if is_nested else "flat"


# fail_fast: each wrong element costs as much as a thousand right ones, so a list ends at its first.
Row = Annotated[list[Finite], Field(min_length=1, max_length=MAX_UNITS, fail_fast=True)]
Rows = Annotated[list[Row], Field(min_length=1, max_length=MAX_SAMPLES, fail_fast=True)]
Matrix = Annotated[list[Row], Field(min_length=1, max_length=MAX_UNITS, fail_fast=True)]
Matrices = Annotated[list[Matrix], Field(min_length=1, max_length=MAX_LAYERS - 1, fail_fast=True)]
Bias = Annotated[list[Finite], Field(min_length=1, max_length=MAX_LAYERS - 1, fail_fast=True)]
Biases = Annotated[list[Row], Field(min_length=1, max_length=MAX_LAYERS - 1, fail_fast=True)]
BiasesOfLayers = Annotated[Annotated[Bias, Tag("flat")] | Annotated[Biases, Tag("nested")], Discriminator(_shape)]
Samples = Annotated[Annotated[Row, Tag("flat")] | Annotated[Rows, Tag("nested")], Discriminator(_shape)]
Weights = Annotated[Annotated[EightWeights, Tag("flat")] | Annotated[Matrices, Tag("nested")], Discriminator(_shape)]
