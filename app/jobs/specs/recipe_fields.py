"""The fields of a training's spec that make its recipe, with their bounds. A named recipe fills in what is left out."""

from dataclasses import fields
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, StrictBool, model_validator

from app.jobs.specs.numbers import WHOLE, Number, WholeNumber
from app.jobs.specs.options import NamedFields
from models.recipes import RECIPES, Recipe

_FAST = RECIPES["fast"]
RECIPE_NAMES = tuple(field.name for field in fields(Recipe))

MAX_EPOCHS = 200
MIN_BATCH_SIZE, MAX_BATCH_SIZE = 8, 4096
MAX_PER_128 = 64  # half as many again as the pictures of a batch

Share = Annotated[Number, Field(ge=0, le=1, allow_inf_nan=False)]
BelowOne = Annotated[Number, Field(ge=0, lt=1, allow_inf_nan=False)]
BatchSize = Annotated[int, Field(ge=MIN_BATCH_SIZE, le=MAX_BATCH_SIZE), WHOLE]
Epochs = Annotated[int, Field(ge=1, le=MAX_EPOCHS), WHOLE]
LearningRate = Annotated[Number, Field(gt=0, le=10, allow_inf_nan=False)]
Per128 = Annotated[int, Field(ge=0, le=MAX_PER_128), WHOLE]


class RecipeFields(NamedFields):
    """A recipe by its name, and every field of it. The values shown as defaults are those of `fast`."""

    recipe: Literal["quick", "fast", "robust", "reference"] = Field(
        "fast", description="fills in the fields that are left out"
    )
    epochs: Epochs = Field(_FAST.epochs, description="passes over the training pictures")
    batch_size: WholeNumber = Field(
        _FAST.batch_size,
        ge=MIN_BATCH_SIZE,
        le=MAX_BATCH_SIZE,
        description="training pictures per step; not more than the data set has",
    )
    optimizer: Literal["sgd", "adamw"] = Field(
        "sgd", description="another one than the recipe's needs a `learning_rate` of its own"
    )
    learning_rate: LearningRate = Field(
        _FAST.learning_rate, description="the highest one, where `schedule` changes it; about 0.002 for adamw"
    )
    momentum: BelowOne = Field(_FAST.momentum, description="of the gradients; the first beta of adamw")
    nesterov: StrictBool = Field(_FAST.nesterov, description="whether the momentum of sgd is Nesterov's")
    weight_decay: Share = Field(
        _FAST.weight_decay, description="sgd: an L2 penalty, added to the gradient; adamw: decoupled from it"
    )
    schedule: Literal["constant", "one_cycle", "cosine"] = Field(
        "one_cycle",
        description="of the learning rate. one_cycle: it rises, then falls to zero; cosine: it falls along a cosine",
    )
    warmup: Number = Field(
        _FAST.warmup,
        ge=0,
        le=0.9,
        allow_inf_nan=False,
        description="share of the steps in which one_cycle, cosine rise",
    )
    dropout: Number = Field(
        _FAST.dropout, ge=0, le=0.9, allow_inf_nan=False, description="probability of setting an activation to zero"
    )
    label_smoothing: Number = Field(
        _FAST.label_smoothing,
        ge=0,
        le=0.9,
        allow_inf_nan=False,
        description="share of the target that all ten digits divide evenly",
    )
    rotation: Number = Field(_FAST.rotation, ge=0, le=180, allow_inf_nan=False, description="at most, in degrees")
    scale: Number = Field(
        _FAST.scale, ge=0, le=0.9, allow_inf_nan=False, description="of the size, at most, as a fraction"
    )
    shift: Number = Field(
        _FAST.shift, ge=0, le=14, allow_inf_nan=False, description="along each axis, at most, in pixels (of 28)"
    )
    slant: Share = Field(_FAST.slant, description="shear, at most, in pixels to the side per pixel of height")
    aspect: Number = Field(
        _FAST.aspect, ge=0, le=0.9, allow_inf_nan=False, description="fraction by which the width grows, height shrinks"
    )
    warp: Number = Field(
        _FAST.warp, ge=0, le=7, allow_inf_nan=False, description="of each node of a 4x4 grid, at most, in pixels"
    )
    stroke: Share = Field(_FAST.stroke, description="at 1, strokes get up to one pixel broader or finer on each side")
    blur: Share = Field(_FAST.blur, description="weight of the 3x3 mean in place of the picture, at most")
    fading: Share = Field(_FAST.fading, description="fraction of its brightness that the ink loses, at most")
    noise: Share = Field(_FAST.noise, description="standard deviation of Gaussian noise, at most; a pixel is 0..1")
    squeeze: Share = Field(_FAST.squeeze, description="share of the digits that are stretched towards a square")
    coarse: Share = Field(
        _FAST.coarse, description="share of the pictures that are reduced to 10 to 18 pixels and enlarged again"
    )
    cooldown: Share = Field(
        _FAST.cooldown, description="share of the steps, at the end, in which the changes of the pictures are halved"
    )
    synthetic_per_128: Per128 = Field(
        _FAST.synthetic_per_128, description="drawn digits that are added to every 128 training pictures"
    )
    outliers_per_128: Per128 = Field(_FAST.outliers_per_128, description="pictures of no digit that are added likewise")
    distillation_weight: Share = Field(
        _FAST.distillation_weight,
        description="of the teacher's answers in the loss; the labels' is the rest. MNIST only",
    )
    average_decay: BelowOne | None = Field(
        _FAST.average_decay, description="per step, of the moving average of the weights that ships; null: no average"
    )

    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 where the processor has instructions for it; weights differ between the two"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_from_recipe(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("recipe", "fast") not in list(RECIPES):
            return values  # the field's own validation reports the error
        recipe = RECIPES[values.get("recipe", "fast")]
        if "learning_rate" not in values and values.get("optimizer", recipe.optimizer) != recipe.optimizer:
            raise ValueError(
                f"another optimizer than the recipe's {recipe.optimizer} needs a learning_rate of its own; "
                "0.002 is a good first one for adamw, 0.1 for sgd"
            )
        return {name: getattr(recipe, name) for name in RECIPE_NAMES} | values

    @model_validator(mode="wrap")
    @classmethod
    def _keep_names(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """`model_fields_set` is what was named, without what the recipe filled in."""
        spec = handler(values)
        if isinstance(values, dict):
            spec.model_fields_set.intersection_update(values)
        return spec

    @model_validator(mode="after")
    def _require_momentum_for_nesterov(self) -> "RecipeFields":
        if self.nesterov and self.optimizer == "sgd" and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0; set nesterov to false, or momentum to 0.9")
        return self

    @classmethod
    def list_fields(cls) -> str:
        """The fields that are not the recipe's, and where the recipe's are listed: all of them would be too many."""
        others = ", ".join(sorted(set(cls.model_fields) - set(RECIPE_NAMES)))
        return f"{others} and those of a recipe: GET /v1/recipes lists them"

    def to_recipe(self) -> Recipe:
        return Recipe(**{name: getattr(self, name) for name in RECIPE_NAMES})
