"""The hyper-parameters of a training. No torch here: the API fills in a client's spec from these."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train the digit network.

    The fields from `rotation` to `noise` are bounds: each picture gets a random amount of its own. For `rotation` to
    `warp` it is uniform within plus or minus the bound. Each of `stroke` to `noise` leaves 60 % of the pictures as they
    are. With `squeeze` and `coarse`, these are the AUGMENTATIONS.
    """

    epochs: int  # passes over the training pictures
    batch_size: int  # training pictures per step
    learning_rate: float  # its highest value where `schedule` changes it
    optimizer: str = "sgd"  # one of OPTIMIZERS
    momentum: float = 0.9  # 0..1; the first beta of "adamw"
    nesterov: bool = False  # whether the momentum of "sgd" is Nesterov's
    weight_decay: float = 0.0  # "sgd": L2 penalty, added to the gradient; "adamw": decoupled from it
    schedule: str = "constant"  # one of SCHEDULES
    warmup: float = 0.2  # share of the steps in which the learning rate of "one_cycle" and "cosine" rises, 0..1
    dropout: float = 0.0  # probability of setting an activation to zero, 0..1
    label_smoothing: float = 0.0  # share of the target that all ten digits divide evenly, 0..1
    rotation: float = 0.0  # degrees
    scale: float = 0.0  # fraction of the size, 0..1
    shift: float = 0.0  # pixels (of 28), along each axis
    slant: float = 0.0  # shear: pixels to the side per pixel of height
    aspect: float = 0.0  # fraction, 0..1, by which the width grows and the height shrinks
    warp: float = 0.0  # pixels by which each node of a 4x4 grid over the picture moves, along each axis
    stroke: float = 0.0  # 0..1: at 1, strokes get up to one pixel broader or finer on each side
    blur: float = 0.0  # weight of the 3x3 mean in place of the picture, 0..1
    fading: float = 0.0  # fraction of its brightness that the ink loses, 0..1
    noise: float = 0.0  # standard deviation of Gaussian noise; a pixel is 0..1
    squeeze: float = 0.0  # share of the digits, 0..1, that are stretched towards a square, as scanners do
    coarse: float = 0.0  # share of the pictures, 0..1, that are reduced to 10 to 18 pixels and enlarged again
    cooldown: float = 0.0  # share of the steps, 0..1, at the end, in which the augmentations are half as large
    synthetic_per_128: int = 0  # synthetic digits (training/synthetic_digits.py) added to every 128 training pictures
    outliers_per_128: int = 0  # pictures of no digit (training/outliers.py) added likewise
    distillation_weight: float = 0.0  # of the teacher's answers in the loss, 0..1; the labels' is the rest. MNIST only
    average_decay: float | None = None  # per step, of the moving average of the weights that ships; None: no average
    precision: str = "auto"  # one of PRECISIONS: what the convolutions of a training compute with

    @property
    def is_augmented(self) -> bool:
        return any(getattr(self, name) for name in AUGMENTATIONS)

    def in_cooldown(self) -> "Recipe":
        """Returns the recipe of the last steps: every augmentation is half as large."""
        return replace(self, **{name: getattr(self, name) / 2 for name in AUGMENTATIONS})


OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = (
    "constant",
    "one_cycle",  # rises, then falls to zero, both linearly
    "cosine",  # rises linearly, then falls to zero along half a cosine
)
PRECISIONS = (
    "auto",  # bfloat16 on a processor that has instructions for it, else float32
    "float32",
    "bfloat16",
)
AUGMENTATIONS = (
    "rotation", "scale", "shift", "slant", "aspect", "warp", "stroke", "blur", "fading", "noise", "squeeze", "coarse",
)  # fmt: skip

FAST = Recipe(
    epochs=20,
    batch_size=128,
    learning_rate=0.1,
    nesterov=True,
    weight_decay=1e-4,
    schedule="one_cycle",
    rotation=10.0,
    scale=0.1,
    shift=2.0,
    average_decay=0.995,
)

DESCRIPTIONS = {
    "reference": "as published (MPGarg/ERA1_Session6): a constant rate, no augmentation",
    "quick": "`fast` in four epochs, with smaller batches: 99.5 % of MNIST's test set",
    "fast": "one cycle of the learning rate, averaged weights, and digits that are rotated, scaled and shifted",
    "robust": "for pictures unlike MNIST: other pens, cameras and handwriting, and pictures of no digit",
}
RECIPES = {
    "reference": Recipe(epochs=19, batch_size=128, learning_rate=0.01, dropout=0.05, precision="float32"),
    "quick": replace(FAST, epochs=4, batch_size=64, weight_decay=5e-4),
    "fast": FAST,
    "robust": replace(
        FAST,
        slant=0.1,
        aspect=0.08,
        warp=0.5,
        stroke=0.6,
        blur=0.4,
        fading=0.2,
        noise=0.05,
        squeeze=0.12,
        coarse=0.1,
        cooldown=0.2,
        synthetic_per_128=16,
        outliers_per_128=12,
        distillation_weight=0.9,
    ),
}
