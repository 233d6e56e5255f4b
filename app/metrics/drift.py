"""How far the pictures of the last minutes are from those that the network was trained on.

The measure is the population stability index: the sum of (p - q) ln(p / q) over classes, where p is the share of a
class now and q its share in the reference (the symmetrised Kullback-Leibler divergence). The rule of thumb, from credit
scoring: from 0.1 have a look, from 0.25 the population has changed. `make reference` computes the reference once for
the network that ships.
"""

import json
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REFERENCE_FILE = Path(__file__).parents[2] / "models" / "pretrained" / "reference.json"
WINDOW_SECONDS = 600.0
MIN_PREDICTIONS = 500  # in the window: with fewer, chance alone makes the index large
MIN_SHARE = 1e-4  # for a class that the reference does not contain


@dataclass(frozen=True)
class Distribution:
    """The share of each class. `bounds` separate the classes that are ranges of numbers."""

    shares: Sequence[float]
    bounds: Sequence[float] = ()


@dataclass(frozen=True)
class Reference:
    """Digits and ink of the training pictures, and the confidence of the network on those held out."""

    digit: Distribution
    confidence: Distribution
    ink: Distribution


def _load(path: Path) -> Reference:
    document = json.loads(path.read_text())
    return Reference(**{name: Distribution(**document[name]) for name in ("digit", "confidence", "ink")})


REFERENCE = _load(REFERENCE_FILE)

Counts = dict[str, list[float]]  # predictions of each class so far, for digit, confidence and ink


class Drift:
    """Compares the predictions of the last WINDOW_SECONDS with the reference."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Counts]] = deque()

    def remember(self, moment: float, counts: Counts) -> None:
        """Call it every few seconds; `moment` is in seconds and only grows."""
        self._seen.append((moment, counts))
        while len(self._seen) > 2 and self._seen[1][0] <= moment - WINDOW_SECONDS:
            self._seen.popleft()

    def indices(self) -> tuple[float, dict[str, float]]:
        """The number of predictions in the window, and the index of each statistic if they are MIN_PREDICTIONS."""
        if not self._seen:
            return 0.0, {}
        first, last = self._seen[0][1], self._seen[-1][1]
        recent = {name: [b - a for a, b in zip(first[name], last[name], strict=True)] for name in last}
        count = sum(recent["digit"])
        if count < MIN_PREDICTIONS:
            return count, {}
        return count, {name: stability_index(counts, getattr(REFERENCE, name)) for name, counts in recent.items()}


def stability_index(counts: Sequence[float], reference: Distribution) -> float:
    """The index of `counts` against the reference. Each class gets half an observation more, so that none is 0."""
    total = sum(counts) + 0.5 * len(counts)
    now = [(count + 0.5) / total for count in counts]
    then = [max(share, MIN_SHARE) for share in reference.shares]
    return sum((p - q) * math.log(p / q) for p, q in zip(now, then, strict=True))
