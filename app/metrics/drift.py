"""How far the pictures of the last minutes are from those that the network learnt from.

The measure is the population stability index: the sum of (p - q) ln(p / q) over classes, with p their shares now and q
in the reference (the symmetrised Kullback-Leibler divergence). As a rule of thumb from credit scoring, 0.1 is worth a
look and 0.25 a change. `make reference` computes the reference, once for the network that ships.
"""

import json
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parents[2] / "models" / "pretrained" / "reference.json"
WINDOW_SECONDS = 600.0
LEAST = 500  # predictions in the window; with fewer, chance alone makes the index large


@dataclass(frozen=True)
class Distribution:
    """The share of each class; where classes are ranges, `bounds` are between them."""

    shares: Sequence[float]
    bounds: Sequence[float] = ()


@dataclass(frozen=True)
class Reference:
    """What the network learnt from: digits and ink of its training pictures, its confidence on those held out."""

    digit: Distribution
    confidence: Distribution
    ink: Distribution


def _load(path: Path) -> Reference:
    document = json.loads(path.read_text())
    return Reference(**{name: Distribution(**document[name]) for name in ("digit", "confidence", "ink")})


REFERENCE = _load(FILE)

Counts = dict[str, list[float]]  # digit, confidence, ink: how many of each class, ever


class Drift:
    """Remembers counts, and says how those of the window differ from the reference."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Counts]] = deque()

    def remember(self, moment: float, counts: Counts) -> None:
        """To be told every few seconds, with a moment in seconds that only grows."""
        self._seen.append((moment, counts))
        while len(self._seen) > 2 and self._seen[1][0] <= moment - WINDOW_SECONDS:
            self._seen.popleft()

    def indices(self) -> tuple[float, dict[str, float]]:
        """How many predictions the window holds, and the index of each statistic if they are enough."""
        if not self._seen:
            return 0.0, {}
        first, last = self._seen[0][1], self._seen[-1][1]
        recent = {name: [b - a for a, b in zip(first[name], last[name], strict=True)] for name in last}
        count = sum(recent["digit"])
        if count < LEAST:
            return count, {}
        return count, {name: stability_index(counts, getattr(REFERENCE, name)) for name, counts in recent.items()}


def stability_index(counts: Sequence[float], reference: Distribution) -> float:
    """The index of `counts` against the reference; half an observation is added to each class, so that none is 0."""
    total = sum(counts) + 0.5 * len(counts)
    now = [(count + 0.5) / total for count in counts]
    then = [max(share, 1e-4) for share in reference.shares]
    return sum((p - q) * math.log(p / q) for p, q in zip(now, then, strict=True))
