"""The checks of a sweep's fields against one another. Each raises ValueError with a message for the client."""

from typing import Any

from app.jobs.specs.network_fields import WORKBOOK_LAYERS
from models.backprop.sweeps.result_size import MAX_FINAL_OUTPUTS
from models.backprop.sweeps.task import count_parameters
from models.wording import counted

MAX_STEPS = 50_000_000
MAX_MULTIPLICATIONS = 20_000_000_000  # some minutes on one core
MAX_PATH_NUMBERS = 100_000  # of all weights at all points of all trials: 3 MB of the result
MAX_FINAL_WEIGHTS = 1_000_000  # all of them are in the result, or in the file beside it

MAX_BATCHES = 500_000  # steps that each take a part of the samples, of all blocks of networks: some 20 seconds
LOWER_BOUNDS = {"sigmoid": 0, "tanh": -1}
SUM_TOLERANCE = 1e-6


def as_samples(values: Any) -> list[list[float]]:
    """Returns a list of samples for one sample or a list of them."""
    return values if isinstance(values[0], list) else [values]


def check_biases(biases: Any, *, layers: list[int]) -> list[list[float]]:
    """Returns a list of biases for each layer, where one number was given for all units of a layer too."""
    units = layers[1:]
    if not isinstance(biases[0], list) and len(biases) == len(units):
        return [[bias] * count for bias, count in zip(biases, units, strict=True)]
    are_right = isinstance(biases[0], list) and [len(row) for row in biases] == units
    sizes = " and ".join(counted(count, "number") for count in units)
    _require(are_right, f"`biases` must have one list per layer, of {sizes}, or one number per layer")
    return list(biases)


def check_width(samples: Any, width: int, *, name: str) -> None:
    are_right = all(len(sample) == width for sample in as_samples(samples))
    _require(are_right, f"each sample of `{name}` must have {counted(width, 'number')}, as `layers` says")


def check_count(targets: Any, *, inputs: Any) -> None:
    count = len(as_samples(inputs))
    are_right = len(as_samples(targets)) == count
    _require(are_right, f"`targets` must have {counted(count, 'sample')}, as `inputs` has")


def check_range(targets: Any, *, activation: str) -> None:
    low = LOWER_BOUNDS.get(activation)
    if low is not None:
        are_within = all(low <= target <= 1 for sample in as_samples(targets) for target in sample)
        _require(are_within, f"each target must lie between {low} and 1, as the outputs of {activation} do")


def check_distributions(targets: Any) -> None:
    """The targets of a cross-entropy: shares of each sample's outputs."""
    samples = as_samples(targets)
    _require(len(samples[0]) > 1, "cross_entropy needs two outputs or more: one for each class")
    are_shares = all(min(sample) >= 0 and abs(sum(sample) - 1) <= SUM_TOLERANCE for sample in samples)
    _require(are_shares, "with cross_entropy, the targets of each sample must not be negative, and their sum must be 1")


def check_weights(weights: Any, *, layers: list[int]) -> None:
    if isinstance(weights, tuple):
        _require(layers == list(WORKBOOK_LAYERS), "w1 to w8 fit layers [2, 2, 2] only; give a matrix per layer")
        return
    shapes = list(zip(layers[1:], layers, strict=False))
    given = [(len(matrix), {len(row) for row in matrix}) for matrix in weights]
    sizes = " and ".join(f"{counted(units, 'list')} of {counted(inputs, 'number')}" for units, inputs in shapes)
    _require(
        given == [(units, {inputs}) for units, inputs in shapes],
        f"`weights` must have one matrix per layer, a list for each unit: for layers {layers}, {sizes}",
    )


def check_final_weights(learning_rates: list[float], *, layers: list[int], has_biases: bool) -> None:
    parameters = count_parameters(tuple(layers), has_biases=has_biases)
    _require_at_most("learning_rates x weights", len(learning_rates) * parameters, MAX_FINAL_WEIGHTS)


def check_paths(points: int, *, rates: int, layers: list[int], has_biases: bool) -> None:
    numbers = points * rates * count_parameters(tuple(layers), has_biases=has_biases)
    _require_at_most("weight_points x learning_rates x weights", numbers, MAX_PATH_NUMBERS)


def check_final_outputs(learning_rates: list[float], *, layers: list[int], inputs: Any) -> None:
    outputs = len(learning_rates) * len(as_samples(inputs)) * layers[-1]
    _require_at_most("learning_rates x samples x outputs", outputs, MAX_FINAL_OUTPUTS)


def check_steps(epochs: int, *, learning_rates: list[float], inputs: Any, layers: list[int]) -> None:
    steps = len(learning_rates) * epochs * len(as_samples(inputs))
    multiplications = steps * count_parameters(tuple(layers), has_biases=False)
    _require_at_most("learning_rates x epochs x samples", steps, MAX_STEPS)
    _require_at_most("learning_rates x epochs x samples x weights", multiplications, MAX_MULTIPLICATIONS)


def _require_at_most(product: str, number: int, maximum: int) -> None:
    _require(number <= maximum, f"{product} is {number:,}; at most {maximum:,} are allowed")


def _require(is_right: bool, message: str) -> None:
    if not is_right:
        raise ValueError(message)
