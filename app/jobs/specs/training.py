"""The spec of a training of the digit network."""

from typing import Literal, Self

from pydantic import Field, model_validator

from app.errors import InvalidInput
from app.jobs.specs.numbers import Number, WholeNumber
from app.jobs.specs.options import BaseSpec
from app.jobs.specs.recipe_fields import RECIPE_NAMES, RecipeFields
from app.jobs.specs.versions import Version
from models.datasets.built_in import BUILT_IN, FEEDBACK, NAME_PATTERN, NOT_DIGITS

CPU_QUEUE, CUDA_QUEUE = "training", "training-cuda"
CHECKPOINT_BYTES = 320 * 1024  # of a checkpoint of the digit network; 209 kB with sgd, 280 kB with adamw
MODEL_BYTES = 384 * 1024  # of the files of a model version; 300 kB today
TRAINING_PICTURES = {"mnist": 54_970, "optdigits": 1_197, "fashion-mnist": 51_000, "kmnist": 51_000}


class MnistTrainingSpec(RecipeFields, BaseSpec):
    """Train the 16,562-parameter digit network. The recipe fills in what is left out (shown: those of `fast`)."""

    kind: Literal["mnist_training"]
    seed: WholeNumber = Field(0, ge=0, lt=2**31, description="of all random numbers")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dataset: str = Field(
        "mnist", pattern=NAME_PATTERN, description=f"{', '.join(BUILT_IN)}, {FEEDBACK}, or one that was uploaded"
    )
    mix: Number = Field(
        0, ge=0, le=1, description="share of MNIST's training pictures that are added to those of another data set"
    )
    start_from: Version | None = Field(None, description="a version or an alias whose weights the training starts from")

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
    def checkpoint_bytes(self) -> int:
        return self.epochs * CHECKPOINT_BYTES

    @property
    def stored_bytes(self) -> int:
        return self.checkpoint_bytes + MODEL_BYTES

    @property
    def queue(self) -> str:
        return CUDA_QUEUE if self.device == "cuda" else CPU_QUEUE

    @property
    def is_for_any_device(self) -> bool:
        return self.device == "auto"

    @property
    def required_device(self) -> str | None:
        return "cuda" if self.device == "cuda" else None

    @property
    def largest_batch(self) -> int:
        return 0 if self.mix else self.batch_size

    def require_sense(self) -> None:
        require_whole_batch(self, self.dataset)

    def require_effect(self) -> None:
        for name, why in self.idle_fields().items():
            raise InvalidInput(f"{name} has no effect: {why}. Leave it out.", location=self.place_of(name))

    def idle_fields(self) -> dict[str, str]:
        """The fields that were named but do nothing, and why. A complete spec, as it is stored, names none."""
        if self.model_fields_set.issuperset(RECIPE_NAMES):
            return {}
        reasons = {
            "distillation_weight": (self.dataset != "mnist", f"the teacher knows MNIST only, not {self.dataset}"),
            "nesterov": (self.optimizer == "adamw", "Nesterov's momentum is one of the optimizer sgd"),
            "warmup": (self.schedule == "constant", "a constant learning rate does not rise"),
        }
        named = self.model_fields_set.intersection(name for name in reasons if getattr(self, name))
        return {name: why for name, (is_idle, why) in reasons.items() if is_idle and name in named}


def require_whole_batch(spec: BaseSpec, dataset: str) -> None:
    """Raise InvalidInput if a built-in data set is too small; of a user's own, `inputs.py` knows the size."""
    pictures = TRAINING_PICTURES.get(dataset)
    if pictures is not None and spec.largest_batch > pictures:
        raise InvalidInput(
            f"A batch of {spec.largest_batch:,} is larger than the {pictures:,} training pictures of {dataset}. "
            "Ask for a smaller batch_size.",
            location=spec.place_of("batch_size"),
        )
