"""The spec of a search over the settings of trainings."""

from collections.abc import Sequence
from functools import cached_property
from itertools import product
from math import prod
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.errors import InvalidInput
from app.jobs.specs.numbers import WHOLE, Number, WholeNumber
from app.jobs.specs.options import BaseSpec, NamedFields
from app.jobs.specs.recipe_fields import RECIPE_NAMES, RecipeFields
from app.jobs.specs.training import MODEL_BYTES, MnistTrainingSpec, require_whole_batch
from app.validation_messages import describe, nearest
from models.recipes import RECIPES
from models.wording import counted

SEARCH_QUEUE = "searches"  # its own: a step takes milliseconds, a sweep may take minutes
MAX_TRIALS = 200
MAX_PARALLEL = 16
MAX_DIMENSIONS = 12
MAX_VALUES = 50  # of a dimension
DEFAULT_TRIALS = 20  # of `random` and `tpe`
AGREEABLE = {"learning_rate": 0.01, "nesterov": False}  # goes with every optimizer, where a field is checked alone

# What all trials must share, or what says nothing about how well they learn.
COMMON_FIELDS = {"kind", "seed", "device", "dataset", "mix", "start_from"} | set(BaseSpec.model_fields)
SEARCHABLE = tuple(name for name in MnistTrainingSpec.model_fields if name not in COMMON_FIELDS)

Text = Annotated[str, Field(max_length=100)]
Scalar = StrictBool | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)] | Text | None


class Range(NamedFields):
    """All numbers from `low` to `high`, both included."""

    low: Number = Field(allow_inf_nan=False)
    high: Number = Field(allow_inf_nan=False)
    log: StrictBool = Field(False, description="whether to search evenly over the logarithm")


class Choice(NamedFields):
    """These values."""

    values: list[Scalar] = Field(min_length=1, max_length=MAX_VALUES)

    @classmethod
    def _describe_unknown(cls, name: str, value: Any) -> InitErrorDetails:
        if name not in Range.model_fields:
            return super()._describe_unknown(name, value)
        message = f"a list of values has no {name}: give values, or low and high, with log if need be"
        error = PydanticCustomError("range_of_values", "{message}", {"message": message})
        return InitErrorDetails(type=error, loc=(name,), input=value)


def _shape(value: Any) -> str | None:
    if isinstance(value, Choice) or (isinstance(value, dict) and "values" in value):
        return "values"
    is_range = isinstance(value, Range) or (isinstance(value, dict) and {"low", "high"} & value.keys())
    return "range" if is_range else None


Dimension = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choice, Tag("values")],
    Discriminator(
        _shape,
        custom_error_type="dimension",
        custom_error_message='give {"values": [32, 64]} or {"low": ..., "high": ...}',
    ),
]


class TrainingSearchSpec(BaseSpec):
    """Search for the settings of a training that are best on the validation set. Each trial is a training of its own;
    the best one's network alone is tested and registered."""

    kind: Literal["training_search"]
    sampler: Literal["grid", "random", "tpe"] = Field(
        "tpe", description="grid: every point of the space once; tpe: trials that worked well make like ones likelier"
    )
    seed: WholeNumber = Field(0, ge=0, lt=2**31, description="of the sampler; that of the trainings stands in `base`")
    base: dict[str, Any] = Field(
        {},
        max_length=len(MnistTrainingSpec.model_fields),
        description="what all trials share: fields of an `mnist_training`, such as recipe, epochs, dataset, device",
        examples=[{"dataset": "optdigits", "epochs": 4}],
    )
    space: dict[str, Dimension] = Field(
        min_length=1,
        max_length=MAX_DIMENSIONS,
        description='what is searched: a range or values for each field of an `mnist_training`, such as "batch_size"',
        examples=[{"learning_rate": {"low": 0.01, "high": 0.5, "log": True}, "batch_size": {"values": [32, 64, 128]}}],
    )
    trials: Annotated[int, Field(ge=1, le=MAX_TRIALS), WHOLE] | None = Field(
        None, validate_default=True, description=f"left out: every point of a grid, otherwise {DEFAULT_TRIALS}"
    )
    parallel: WholeNumber = Field(2, ge=1, le=MAX_PARALLEL, description="trials at once")
    pruning: Literal["off", "asha"] = Field(
        "off",
        description="asha: after `min_epochs`, and each time after `reduction_factor` times as many, a trial goes on "
        "only if it is among the best 1 / `reduction_factor` of those that have come so far",
    )
    reduction_factor: WholeNumber = Field(3, ge=2, le=10)
    min_epochs: WholeNumber = Field(1, ge=1, le=100)

    @property
    def queue(self) -> str:
        return SEARCH_QUEUE

    @property
    def required_device(self) -> str | None:
        return self._common.required_device

    @property
    def stored_bytes(self) -> int:
        """The checkpoints of all trials, and the one model: the winner's."""
        return (self.trials or 0) * self.trial_bytes + MODEL_BYTES

    @property
    def trial_bytes(self) -> int:
        """The most bytes that a trial will take."""
        return self._common.model_copy(update={"epochs": self._largest("epochs")}).checkpoint_bytes

    @property
    def largest_batch(self) -> int:
        return 0 if self._common.mix else self._largest("batch_size")

    @property
    def own_dataset(self) -> str | None:
        return self._common.own_dataset

    @property
    def start_version(self) -> str | None:
        return self._common.start_version

    def place_of(self, field: str) -> str:
        return f"body.{'space' if field in self.space else 'base'}.{field}"

    def require_sense(self) -> None:
        require_whole_batch(self, self._common.dataset)

    def require_effect(self) -> None:
        """Raise InvalidInput for a field that does nothing in the trials at either end of the space."""
        first, last = (self.training(_corner(self.space, last=is_last)).idle_fields() for is_last in (False, True))
        for name in first.keys() & last.keys():
            raise InvalidInput(f"{name} has no effect: {first[name]}. Leave it out.", location=self.place_of(name))

    @cached_property
    def _common(self) -> MnistTrainingSpec:
        """One of the trials, for what all of them share."""
        return self.training(_corner(self.space, last=False))

    def training(self, params: dict[str, Any]) -> MnistTrainingSpec:
        """The spec of a trial. Raises ValidationError if these settings do not go together."""
        return MnistTrainingSpec.model_validate(_with_base(self.base, params, priority=self.priority))

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """What would be the spec of a trial, also if its settings do not go together."""
        recipe = RECIPES[params.get("recipe", self._common.recipe)]
        filled_in = {name: getattr(recipe, name) for name in RECIPE_NAMES if name not in self.base}
        return self._common.model_dump(mode="json") | filled_in | params

    def _largest(self, field: str) -> int:
        """The largest value of a whole number of the recipe that a trial may have."""
        if (dimension := self.space.get(field)) is not None:
            return int(max(_ends(dimension)))
        if field in self.base or "recipe" not in self.space:
            return int(getattr(self._common, field))
        return max(int(getattr(RECIPES[name], field)) for name in _ends(self.space["recipe"]))

    @field_validator("base")
    @classmethod
    def _check_base(cls, base: dict[str, Any]) -> dict[str, Any]:
        MnistTrainingSpec.model_validate(_with_base(base, {}, **AGREEABLE))
        return base

    @field_validator("space")
    @classmethod
    def _check_space(cls, space: dict[str, Range | Choice], info: ValidationInfo) -> dict[str, Range | Choice]:
        if "base" not in info.data:
            return space  # its own error is reported
        base, errors, checked = info.data["base"], [], {}
        for name, dimension in space.items():
            try:
                checked[name] = _check_dimension(name, dimension, base)
            except ValueError as error:
                problem = PydanticCustomError("space", "{message}", {"message": str(error)})
                errors.append(InitErrorDetails(type=problem, loc=(name,), input=None))
        if errors:
            raise ValidationError.from_exception_data("space", errors)
        for last in (False, True):
            MnistTrainingSpec.model_validate(_with_base(base, _corner(checked, last=last)))
        return checked

    @field_validator("trials")
    @classmethod
    def _check_trials(cls, trials: int | None, info: ValidationInfo) -> int | None:
        if info.data.get("sampler") != "grid" or "space" not in info.data:
            return trials or DEFAULT_TRIALS
        space = info.data["space"]
        if ranges := [name for name, dimension in space.items() if isinstance(dimension, Range)]:
            raise ValueError(f'a grid needs {{"values": [...]}} for every field, also for {", ".join(ranges)}')
        points = prod(len(dimension.values) for dimension in space.values())
        if points > MAX_TRIALS:
            raise ValueError(f"the grid has {points:,} points; at most {MAX_TRIALS} are allowed: take random or tpe")
        if trials and trials > points:
            raise ValueError(f"the grid has only {counted(points, 'point')}")
        for values in product(*(dimension.values for dimension in space.values())):
            MnistTrainingSpec.model_validate(_with_base(info.data["base"], dict(zip(space, values, strict=True))))
        return trials or points


def is_whole(field: str) -> bool:
    """Whether the field of a training takes whole numbers only."""
    return _number_type(field) is int


def _with_base(base: dict[str, Any], params: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    return {"kind": "mnist_training"} | defaults | base | params


def _corner(space: dict[str, Any], *, last: bool) -> dict[str, Any]:
    """The settings at one end of every dimension."""
    return {name: _ends(one)[-1 if last else 0] for name, one in space.items()}


def _ends(dimension: Range | Choice) -> Sequence[Any]:
    """The values of a choice, and both ends of a range."""
    return (dimension.low, dimension.high) if isinstance(dimension, Range) else dimension.values


def _check_dimension(name: str, dimension: Range | Choice, base: dict[str, Any]) -> Range | Choice:
    """Returns the dimension with its numbers as the field takes them. Raises ValueError."""
    if name not in SEARCHABLE:
        if name in MnistTrainingSpec.model_fields:
            raise ValueError("no field of this name can be searched: all trials share it, so give it in `base`")
        guess = nearest(name, SEARCHABLE)
        hint = f"do you mean '{guess}'?" if guess else f"there are {RecipeFields.list_fields()}"
        raise ValueError(f"no field of this name can be searched; {hint}")
    if name in base:
        raise ValueError("it stands in `base` too: leave it out in one of them")
    if isinstance(dimension, Choice):
        values = [_check_value(name, value, base) for value in dimension.values]
        if len({(type(value), value) for value in values}) < len(values):
            raise ValueError("a value stands there twice")
        return Choice(values=values)
    if _number_type(name) is None:
        raise ValueError('it takes no numbers: give {"values": [...]}')
    if dimension.low >= dimension.high:
        raise ValueError(f"low must be below high; {dimension.low:g} is not below {dimension.high:g}")
    if dimension.log and dimension.low <= 0:
        raise ValueError("log needs a low above 0")
    low, high = (_check_value(name, value, base) for value in (dimension.low, dimension.high))
    return dimension.model_copy(update={"low": low, "high": high})


def _check_value(name: str, value: Scalar, base: dict[str, Any]) -> Any:
    """Returns the value as the field takes it. What the fields say to one another is not asked here."""
    try:
        return getattr(MnistTrainingSpec.model_validate(_with_base(base, {name: value}, **AGREEABLE)), name)
    except ValidationError as error:
        if found := [describe(detail) for detail in error.errors() if name in detail["loc"][:1]]:
            raise ValueError(found[0]) from error
        return value


def _number_type(field: str) -> type | None:
    """Returns int or float for a field that takes numbers."""
    annotation = MnistTrainingSpec.model_fields[field].annotation
    found = [annotation]
    if get_origin(annotation) in (Union, UnionType):
        found = list(get_args(annotation))
    plain = [get_args(one)[0] if get_origin(one) is Annotated else one for one in found]
    return next((one for one in (int, float) if one in plain), None)
