"""What a client may ask of the small networks: a sweep over learning rates, or the trace of one step."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.jobs.specs.numbers import Number, WholeNumber
from app.jobs.specs.options import JobOptions
from models.backprop.sweeps.networks import Activation, Task, count_parameters, draw_weights

MOST_STEPS = 50_000_000
MOST_MULTIPLICATIONS = 20_000_000_000  # some minutes on one core
MOST_FINAL_WEIGHTS = 1_000_000  # all of them stand in the result

WORKBOOK_LAYERS = (2, 2, 2)
WORKBOOK_WEIGHTS = (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)

Finite = Annotated[Number, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
LearningRate = Annotated[Number, Field(ge=1e-12, le=1e6, allow_inf_nan=False)]
Probability = Annotated[Number, Field(gt=0, lt=1, allow_inf_nan=False)]
EightWeights = tuple[Finite, Finite, Finite, Finite, Finite, Finite, Finite, Finite]


def _depth(value: Any) -> str:
    """How deeply lists are nested in `value`, as far as its first items tell."""
    levels = 0
    while isinstance(value, list | tuple) and value:
        value, levels = value[0], levels + 1
    return "nested" if levels > 1 else "flat"


Row = Annotated[list[Finite], Field(min_length=1, max_length=64)]
Samples = Annotated[
    Annotated[Row, Tag("flat")] | Annotated[list[Row], Field(min_length=1, max_length=1000), Tag("nested")],
    Discriminator(_depth),
]
Weights = Annotated[
    Annotated[EightWeights, Tag("flat")] | Annotated[list[list[Row]], Tag("nested")], Discriminator(_depth)
]


class Stop(BaseModel):
    """When a trial ends before its last epoch."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    target_loss: Number | None = Field(None, gt=0, allow_inf_nan=False, description="stop below this loss")
    patience: WholeNumber | None = Field(
        None, ge=1, le=100_000, description="stop after so many epochs without a lower loss"
    )


class BackpropSweepSpec(JobOptions):
    """Train a small network once per learning rate and compare the losses. What is left out is the workbook's 2-2-2
    network."""

    kind: Literal["backprop_sweep"]
    layers: list[Annotated[WholeNumber, Field(ge=1, le=64)]] = Field(
        list(WORKBOOK_LAYERS), min_length=2, max_length=5, description="units of each layer, the inputs first"
    )
    activation: Activation = Field("sigmoid", description="of every layer but the inputs")
    biases: StrictBool | list[Row] = Field(
        False, description="true: from zero; or the biases of each layer but the inputs"
    )
    inputs: Samples = Field([0.05, 0.10], validate_default=True, description="one sample, or a list of samples")
    targets: Samples = Field(
        [0.5, 0.5], validate_default=True, description="as the inputs, within the activation's range"
    )
    seed: WholeNumber = Field(0, ge=0, lt=2**31)
    weights: Weights | None = Field(
        None,
        validate_default=True,
        description="w1 to w8 for layers [2, 2, 2], or a matrix (units x inputs) per layer; drawn from `seed` if null",
    )
    learning_rates: list[LearningRate] = Field([0.1, 0.2, 0.5, 0.8, 1.0, 2.0], min_length=1, max_length=10_000)
    epochs: WholeNumber = Field(100, ge=1, le=100_000, validate_default=True)
    target_loss: Number | None = Field(None, gt=0, allow_inf_nan=False, description="noted in epochs_to, stops nothing")
    stop: Stop | None = None
    max_points: WholeNumber = Field(
        1000, ge=10, le=100_001, description="of each curve in the result; all are in curves.npz"
    )

    @property
    def queue(self) -> str:
        return "sweeps"

    @property
    def is_named(self) -> bool:
        """Whether its weights are called w1 to w8."""
        return isinstance(self.weights, tuple)

    @property
    def marked_loss(self) -> float | None:
        """The chosen target loss, whether the sweep stops at it or not."""
        return self.target_loss or (self.stop.target_loss if self.stop else None)

    def to_task(self) -> Task:
        parts: list[Any] = []
        if self.is_named:
            parts = [self.weights]
        else:
            biases = self.biases if isinstance(self.biases, list) else [[0.0] * units for units in self.layers[1:]]
            matrices = self.weights or draw_weights(tuple(self.layers), seed=self.seed)
            for matrix, bias in zip(matrices, biases, strict=True):
                parts += [matrix, bias] if self.biases else [matrix]
        return Task(
            layers=tuple(self.layers),
            activation=self.activation,
            has_biases=bool(self.biases),
            inputs=np.array(_samples(self.inputs), np.float64),
            targets=np.array(_samples(self.targets), np.float64),
            start=np.concatenate([np.ravel(np.array(part, np.float64)) for part in parts]),
        )

    @model_validator(mode="before")
    @classmethod
    def _fill_weights(cls, values: Any) -> Any:
        """The workbook's weights for the workbook's layers, unless a seed asks for drawn ones."""
        if not isinstance(values, dict) or values.get("weights") is not None or "seed" in values:
            return values
        is_workbook = values.get("layers", list(WORKBOOK_LAYERS)) == list(WORKBOOK_LAYERS) and not values.get("biases")
        return values | {"weights": list(WORKBOOK_WEIGHTS)} if is_workbook else values

    @field_validator("biases")
    @classmethod
    def _check_biases(cls, biases: Any, info: ValidationInfo) -> Any:
        layers = info.data.get("layers")
        if layers and isinstance(biases, list):
            _require([len(row) for row in biases] == layers[1:], f"biases for each of {layers[1:]} units are wanted")
        return biases

    @field_validator("inputs")
    @classmethod
    def _check_inputs(cls, inputs: Any, info: ValidationInfo) -> Any:
        if layers := info.data.get("layers"):
            _require_width(inputs, layers[0])
        return inputs

    @field_validator("targets")
    @classmethod
    def _check_targets(cls, targets: Any, info: ValidationInfo) -> Any:
        if layers := info.data.get("layers"):
            _require_width(targets, layers[-1])
        if inputs := info.data.get("inputs"):
            wanted = len(_samples(inputs))
            _require(len(_samples(targets)) == wanted, f"targets for {wanted} samples are wanted, as there are inputs")
        low = {"sigmoid": 0, "tanh": -1}.get(info.data.get("activation", ""))
        if low is not None:
            is_within = all(low < target < 1 for sample in _samples(targets) for target in sample)
            _require(is_within, f"each target must lie between {low} and 1, which the output never reaches")
        return targets

    @field_validator("weights")
    @classmethod
    def _check_weights(cls, weights: Any, info: ValidationInfo) -> Any:
        layers = info.data.get("layers")
        if layers is None or weights is None:
            return weights
        if isinstance(weights, tuple):
            _require(layers == list(WORKBOOK_LAYERS), "w1 to w8 fit layers [2, 2, 2] only; give a matrix per layer")
            _require(not info.data.get("biases"), "w1 to w8 have no biases; give a matrix per layer")
            return weights
        wanted = list(zip(layers[1:], layers, strict=False))
        _require(
            [(len(matrix), {len(row) for row in matrix}) for matrix in weights]
            == [(units, {before}) for units, before in wanted],
            f"matrices of (units, inputs) {wanted} are wanted for layers {layers}",
        )
        return weights

    @field_validator("learning_rates")
    @classmethod
    def _check_rates(cls, learning_rates: Any, info: ValidationInfo) -> Any:
        if layers := info.data.get("layers"):
            parameters = count_parameters(tuple(layers), has_biases=bool(info.data.get("biases")))
            _require_at_most("learning_rates x weights", len(learning_rates) * parameters, MOST_FINAL_WEIGHTS)
        return learning_rates

    @field_validator("epochs")
    @classmethod
    def _check_epochs(cls, epochs: int, info: ValidationInfo) -> int:
        rates, inputs, layers = (info.data.get(name) for name in ("learning_rates", "inputs", "layers"))
        if rates and inputs and layers:
            steps = len(rates) * epochs * len(_samples(inputs))
            _require_at_most("learning_rates x epochs x samples", steps, MOST_STEPS)
            _require_at_most(
                "learning_rates x epochs x samples x weights",
                steps * count_parameters(tuple(layers), has_biases=False),
                MOST_MULTIPLICATIONS,
            )
        return epochs


class TraceSpec(BaseModel):
    """One step of gradient descent on the 2-2-2 network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inputs: tuple[Finite, Finite] = (0.05, 0.10)
    targets: tuple[Probability, Probability] = (0.5, 0.5)
    weights: EightWeights = Field(WORKBOOK_WEIGHTS, description="w1 to w8")
    learning_rate: LearningRate = 0.5


def _samples(values: Any) -> list[list[float]]:
    return values if isinstance(values[0], list) else [values]


def _require_width(values: Any, width: int) -> None:
    _require(
        all(len(sample) == width for sample in _samples(values)),
        f"{width} numbers in each sample are wanted, as `layers` says",
    )


def _require_at_most(what: str, number: int, bound: int) -> None:
    _require(number <= bound, f"{what} is {number:,}; at most {bound:,} can be asked for")


def _require(is_right: bool, message: str) -> None:
    if not is_right:
        raise ValueError(message)
