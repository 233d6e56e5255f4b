"""The schema of a trace."""

from typing import Literal

from pydantic import BaseModel, Field

OVERFLOW = "null where it overflows: in a training that diverged, and as -t / a of a softmax output that underflowed"
Values = dict[str, float | None]


class Forward(BaseModel):
    h1: float
    h2: float
    a_h1: float
    a_h2: float
    o1: float
    o2: float
    a_o1: float
    a_o2: float


class Errors(BaseModel):
    E1: float
    E2: float
    E_total: float


class Weights(BaseModel):
    w1: float
    w2: float
    w3: float
    w4: float
    w5: float
    w6: float
    w7: float
    w8: float


class Gradients(Weights):
    a_h1: float
    a_h2: float


class Factor(BaseModel):
    symbol: str
    latex: str
    formula: str
    value: float | None = Field(description=OVERFLOW)
    path: int = Field(description="from 1; a gradient is the sum over its paths of the products of their factors")


class Step(BaseModel):
    section: Literal["forward", "error", "gradient", "update"]
    symbol: str
    formula: str
    latex: str
    substituted: str = Field(description="the formula with nine digits of each number in place of its symbol")
    value: float | None = Field(description=OVERFLOW)
    factors: list[Factor] = Field(description="of the chain rule; empty except for a gradient")


class NetworkTrace(BaseModel):
    """One step on a network of any shape. The quantities stand by their symbols, those of the 2-2-2 network by its own;
    with several samples, the symbol of one sample's quantity ends with its number: `a_o1[2]`. Null is an overflow."""

    forward: Values
    errors: Values = Field(description="`E_total` is the mean over the samples")
    gradients: Values = Field(description="of E_total; of the error of one sample, such as `dE[2]/dw1`")
    updated_weights: Values = Field(description="weights and biases")
    steps: list[Step] = Field(description="the derivation in reading order")
    notes: list[str] = Field(description="what is to be known beside it, such as targets that are never reached")


class Trace(BaseModel):
    forward: Forward
    errors: Errors
    gradients: Gradients = Field(description="of E_total")
    updated_weights: Weights
    steps: list[Step] = Field(description="the derivation in reading order")
    notes: list[str] = Field([], description="what is to be known beside it, such as targets that are never reached")
