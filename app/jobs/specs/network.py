"""The fields of a spec that describe a network, its samples and the rule of its steps."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field, StrictBool, ValidationInfo, field_validator, model_validator

from app.jobs.specs import sweep_checks
from app.jobs.specs.network_fields import (
    MAX_LAYERS,
    MAX_SAMPLES,
    MAX_UNITS,
    WORKBOOK_LAYERS,
    WORKBOOK_WEIGHTS,
    BiasesOfLayers,
    Constant,
    Samples,
    Weights,
)
from app.jobs.specs.numbers import WHOLE, Number, WholeNumber
from app.jobs.specs.options import NamedFields
from app.jobs.specs.sweep_checks import as_samples
from models.backprop.sweeps.optimizers import OptimizerName, Rule
from models.backprop.sweeps.task import Activation, Loss, Task, draw_weights


class NetworkFields(NamedFields):
    """A small network; the defaults are the workbook's 2-2-2 network."""

    layers: Annotated[list[Annotated[int, Field(ge=1, le=MAX_UNITS), WHOLE]], Field(fail_fast=True)] = Field(
        list(WORKBOOK_LAYERS), min_length=2, max_length=MAX_LAYERS, description="units of each layer, the inputs first"
    )
    activation: Activation = Field("sigmoid", description="of every layer except the inputs")
    loss: Loss = Field(
        "squared_error",
        description="squared_error: half the sum of squared errors; cross_entropy: with a softmax at the outputs",
    )
    biases: StrictBool | BiasesOfLayers = Field(
        False,
        description="true: initially zero; or the initial biases of each layer except the inputs: a list, or one "
        "number for all of its units",
    )
    inputs: Samples = Field([0.05, 0.10], validate_default=True, description="one sample, or a list of samples")
    targets: Samples = Field(
        [0.5, 0.5],
        validate_default=True,
        description="as many samples as `inputs`, within the range of the outputs; its ends are approached only",
    )
    seed: WholeNumber = Field(0, ge=0, lt=2**31)
    weights: Weights | None = Field(
        None,
        validate_default=True,
        description="w1 to w8 for layers [2, 2, 2], or a matrix (units x inputs) per layer; null: drawn from `seed`, "
        "or the workbook's for layers [2, 2, 2] without a `seed`",
    )
    optimizer: OptimizerName = Field("gradient_descent", description="the rule of a step")
    momentum: Constant = Field(0.9, description="of the optimizer momentum: the share of the last step in the next")
    beta1: Constant = Field(0.9, description="of adam: the share of the past in the mean of the gradients")
    beta2: Constant = Field(0.999, description="of adam: the same of their squares")
    epsilon: Number = Field(1e-8, gt=0, le=1, allow_inf_nan=False, description="of adam: keeps it from dividing by 0")
    batch_size: Annotated[int, Field(ge=1, le=MAX_SAMPLES), WHOLE] | None = Field(
        None,
        description="samples of a step, in an order drawn from `seed` and the epoch; null: all of them, one step an "
        "epoch. The curves show the loss over all samples after each epoch",
    )

    @property
    def is_named(self) -> bool:
        """Whether the weights are called w1 to w8."""
        return isinstance(self.weights, tuple)

    def to_task(self) -> Task:
        parameters: list[Any] = []
        biases = self.biases if isinstance(self.biases, list) else [[0.0] * units for units in self.layers[1:]]
        matrices: Any = self.weights or draw_weights(tuple(self.layers), seed=self.seed)
        if self.is_named:
            matrices = matrices[:4], matrices[4:]
        for matrix, bias in zip(matrices, biases, strict=True):
            parameters += [matrix, bias] if self.biases else [matrix]
        return Task(
            layers=tuple(self.layers),
            activation=self.activation,
            has_biases=bool(self.biases),
            inputs=np.array(as_samples(self.inputs), np.float64),
            targets=np.array(as_samples(self.targets), np.float64),
            start=np.concatenate([np.ravel(np.array(part, np.float64)) for part in parameters]),
            loss=self.loss,
            rule=Rule(self.optimizer, self.momentum, self.beta1, self.beta2, self.epsilon),
            batch_size=self.batch_size,
            seed=self.seed,
        )

    @model_validator(mode="before")
    @classmethod
    def _fill_weights(cls, values: Any) -> Any:
        """Fills in the workbook's weights for the workbook's layers, unless a seed is given, which draws them."""
        if not isinstance(values, dict) or values.get("weights") is not None or "seed" in values:
            return values
        is_workbook = values.get("layers", list(WORKBOOK_LAYERS)) == list(WORKBOOK_LAYERS)
        return values | {"weights": list(WORKBOOK_WEIGHTS)} if is_workbook else values

    @field_validator("biases")
    @classmethod
    def _check_biases(cls, biases: Any, info: ValidationInfo) -> Any:
        if (layers := info.data.get("layers")) and isinstance(biases, list):
            return sweep_checks.check_biases(biases, layers=layers)
        return biases

    @field_validator("inputs")
    @classmethod
    def _check_inputs(cls, inputs: Any, info: ValidationInfo) -> Any:
        if layers := info.data.get("layers"):
            sweep_checks.check_width(inputs, layers[0], name="inputs")
        return inputs

    @field_validator("targets")
    @classmethod
    def _check_targets(cls, targets: Any, info: ValidationInfo) -> Any:
        if layers := info.data.get("layers"):
            sweep_checks.check_width(targets, layers[-1], name="targets")
        if inputs := info.data.get("inputs"):
            sweep_checks.check_count(targets, inputs=inputs)
        if info.data.get("loss") == "cross_entropy":
            sweep_checks.check_distributions(targets)
        else:
            sweep_checks.check_range(targets, activation=info.data.get("activation", ""))
        return targets

    @field_validator("weights")
    @classmethod
    def _check_weights(cls, weights: Any, info: ValidationInfo) -> Any:
        if (layers := info.data.get("layers")) and weights is not None:
            sweep_checks.check_weights(weights, layers=layers)
        return weights
