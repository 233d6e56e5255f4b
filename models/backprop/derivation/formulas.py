"""Formulas as data, to be written as Python text, as LaTeX, or with numbers in place of the symbols.

Their values are Python's floats. A square is a product, which overflows to infinity; `**` would raise OverflowError.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from models.backprop import network


@dataclass(frozen=True, eq=False)
class Formula:
    """A symbol in two spellings, or an operation: two templates and the operands that fill them."""

    text_template: str
    latex_template: str
    operands: tuple["Formula", ...] = ()
    compute: Callable[..., Any] = float
    is_sum: bool = False  # in brackets where it is a factor of a product

    def __add__(self, other: "Formula") -> "Formula":
        return Formula("{} + {}", "{} + {}", (self, other), operator.add, is_sum=True)

    def __sub__(self, other: "Formula") -> "Formula":
        return Formula("{} - {}", "{} - {}", (self, other), operator.sub, is_sum=True)

    def __rsub__(self, one: int) -> "Formula":
        return Formula("1 - {}", "1 - {}", (self,), lambda x: 1 - x, is_sum=True)

    def __mul__(self, other: "Formula") -> "Formula":
        factors = (Formula("({})", "({})", (factor,)) if factor.is_sum else factor for factor in (self, other))
        return Formula("{} * {}", r"{} \, {}", tuple(factors), operator.mul)

    @cached_property
    def text(self) -> str:
        return self.text_template.format(*(operand.text for operand in self.operands))

    @cached_property
    def latex(self) -> str:
        parts = [operand.latex for operand in self.operands]
        return self.latex_template.format(*parts) if parts else self.latex_template  # a symbol may have braces

    def substitute(self, values: Mapping[str, float]) -> str:
        """Returns the text with nine digits of each value in place of its symbol; a negative value is in brackets."""
        if self.operands:
            return self.text_template.format(*(operand.substitute(values) for operand in self.operands))
        number = f"{values[self.text]:.9g}"
        return f"({number})" if number.startswith("-") else number

    def evaluate(self, values: Mapping[str, float]) -> float:
        arguments = [operand.evaluate(values) for operand in self.operands]
        return self.compute(*arguments) if arguments else values[self.text]


def sigmoid(x: Formula) -> Formula:
    return Formula("1 / (1 + exp(-{}))", r"\frac{{1}}{{1 + e^{{-{}}}}}", (x,), network.sigmoid)


def half_square(x: Formula) -> Formula:
    return Formula("({})**2 / 2", r"\tfrac{{1}}{{2}} ({})^2", (x,), lambda value: value * value / 2)
