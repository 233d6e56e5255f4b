"""The spec of a trace."""

from pydantic import Field

from app.jobs.specs.network_fields import WORKBOOK_WEIGHTS, EightWeights, Finite, LearningRate, Probability
from app.jobs.specs.options import NamedFields


class TraceSpec(NamedFields):
    """One step of gradient descent on the 2-2-2 network."""

    inputs: tuple[Finite, Finite] = (0.05, 0.10)
    targets: tuple[Probability, Probability] = (0.5, 0.5)
    weights: EightWeights = Field(WORKBOOK_WEIGHTS, description="w1 to w8")
    learning_rate: LearningRate = 0.5
