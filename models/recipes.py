"""The hyper-parameters of a training. No torch here: the API fills in a client's spec from these."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train the digit network.

    `schedule` is `constant`, or `one_cycle`: the learning rate climbs in a straight line to its peak during the
    first `warmup` of all steps and falls in a straight line to zero at the last one. `average_decay` is the
    decay per step of the exponential moving average of the weights that is evaluated and shipped, or None
    for the last weights themselves. `rotation` is in degrees, `shift` in pixels, `scale` a fraction: each
    picture gets one random affine map with every amount uniform within plus or minus its bound.
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
    average_decay: float | None = None

    @property
    def is_augmented(self) -> bool:
        return bool(self.rotation or self.scale or self.shift)


RECIPES = {
    # As published (MPGarg/ERA1_Session6): a constant rate, no augmentation.
    "reference": Recipe(epochs=19, batch_size=128, learning_rate=0.01, dropout=0.05),
    # Anneals to zero, averages the weights, moves the digits about.
    "fast": Recipe(
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
    ),
}
