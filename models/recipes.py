"""The hyper-parameters of a training. No torch here: the API fills in a client's spec from these."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train the digit network.

    `schedule` is `constant`, or `one_cycle`: the learning rate climbs in a straight line to its peak during the
    first `warmup` of all steps and falls in a straight line to zero at the last one. `average_decay` is the
    decay per step of the exponential moving average of the weights that is evaluated and shipped, or None
    for the last weights themselves. `rotation` is in degrees, `shift` in pixels, `scale` a fraction: each
    picture gets one random affine map with every amount uniform within plus or minus its bound. `slant` (a shear),
    `aspect` (width against height) and `warp` (pixels) are bounds of the same kind; `stroke` of 1 draws with a pen up
    to one pixel broader or finer on each side, `blur`, `faintness` and `noise` are fractions. All these changes are
    half as large in the last `settling` of the steps, a fraction: pictures to come have been through less. For every
    128 digits, `drawn` digits of our own pen (models/handwriting.py) and `outliers` pictures of what is no digit
    (models/outliers.py) join them; the network is to be undecided about the latter. `taught` is the share of the loss
    that asks for the answers of a teacher (models/teacher.py) in place of the labels; there is one for MNIST only.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup: float = 0.2
    dropout: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    slant: float = 0.0
    aspect: float = 0.0
    warp: float = 0.0
    stroke: float = 0.0
    blur: float = 0.0
    faintness: float = 0.0
    noise: float = 0.0
    settling: float = 0.0
    drawn: int = 0
    outliers: int = 0
    taught: float = 0.0
    average_decay: float | None = None

    @property
    def is_augmented(self) -> bool:
        return bool(self.rotation or self.scale or self.shift)  # the others come on top of these

    def settled(self) -> "Recipe":
        """What holds in the last steps: every change of a picture is half as large."""
        return replace(self, **{name: getattr(self, name) / 2 for name in CHANGES})


CHANGES = ("rotation", "scale", "shift", "slant", "aspect", "warp", "stroke", "blur", "faintness", "noise")

FAST = Recipe(
    epochs=5,
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

RECIPES = {
    # As published (MPGarg/ERA1_Session6): a constant rate, no augmentation.
    "reference": Recipe(epochs=19, batch_size=128, learning_rate=0.01, dropout=0.05),
    # Anneals to zero, averages the weights, moves the digits about.
    "fast": FAST,
    # For pictures that others make: other pens, cameras and hands, and what is no digit.
    "robust": replace(
        FAST,
        epochs=20,
        slant=0.1,
        aspect=0.08,
        warp=0.5,
        stroke=0.6,
        blur=0.4,
        faintness=0.2,
        noise=0.05,
        settling=0.2,
        drawn=8,
        outliers=12,
        taught=0.9,
    ),
}
