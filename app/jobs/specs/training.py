"""The spec of a training of the digit network."""

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from app.jobs.specs.numbers import Number, WholeNumber
from app.jobs.specs.options import BaseSpec
from models.datasets.built_in import BUILT_IN, FEEDBACK, NAME_PATTERN, NOT_DIGITS
from models.recipes import RECIPES, Recipe

CHECKPOINT_BYTES = 256 * 1024  # of a checkpoint of the digit network; 209 kB at most today
MODEL_BYTES = 256 * 1024  # of weights, ONNX file and card of a model version; 150 kB today

_FAST = RECIPES["fast"]


class MnistTrainingSpec(BaseSpec):
    """Train the 16,562-parameter digit network. The recipe fills in what is left out (shown: those of `fast`)."""

    kind: Literal["mnist_training"]
    recipe: Literal["fast", "robust", "reference"] = "fast"
    epochs: WholeNumber = Field(_FAST.epochs, ge=1, le=200, description="passes over the training pictures")
    batch_size: WholeNumber = Field(_FAST.batch_size, ge=8, le=4096)
    learning_rate: Number = Field(
        _FAST.learning_rate, gt=0, le=10, allow_inf_nan=False, description="the peak, where the recipe anneals"
    )
    seed: WholeNumber = Field(0, ge=0, lt=2**31)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dataset: str = Field(
        "mnist", pattern=NAME_PATTERN, description=f"{', '.join(BUILT_IN)}, {FEEDBACK}, or one that was uploaded"
    )
    mix: Number = Field(
        0, ge=0, le=1, description="share of MNIST's training pictures that are added to those of another data set"
    )
    start_from: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        None, description="a version or an alias whose weights the training starts from"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_from_recipe(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("recipe", "fast") not in list(RECIPES):
            return values  # the field's own validation reports the error
        recipe = RECIPES[values.get("recipe", "fast")]
        return {name: getattr(recipe, name) for name in ("epochs", "batch_size", "learning_rate")} | values

    @model_validator(mode="after")
    def _require_mixable(self) -> Self:
        if self.mix and self.dataset in ("mnist", *NOT_DIGITS):
            raise ValueError(f"mix adds MNIST to a data set of other digits, not to {self.dataset}")
        return self

    @property
    def own_dataset(self) -> str | None:
        return None if self.dataset in BUILT_IN else self.dataset

    @property
    def start_version(self) -> str | None:
        return self.start_from

    @property
    def stored_bytes(self) -> int:
        return self.epochs * CHECKPOINT_BYTES + MODEL_BYTES

    @property
    def queue(self) -> str:
        return "training-cuda" if self.device == "cuda" else "training"

    @property
    def required_device(self) -> str | None:
        return "cuda" if self.device == "cuda" else None

    def to_recipe(self) -> Recipe:
        return replace(
            RECIPES[self.recipe], epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate
        )
