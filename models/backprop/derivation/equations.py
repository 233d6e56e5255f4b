"""The chain rule over formulas."""

from dataclasses import dataclass
from functools import reduce
from operator import add, mul

from models.backprop.derivation.formulas import Formula

Equations = dict[Formula, Formula]  # symbol = formula


@dataclass(frozen=True)
class Chain:
    """The chain rule for one gradient: the sum over `paths` of the products of the derivatives on each."""

    paths: tuple[Equations, ...]
    derivatives: Formula  # in symbols: dE_total/da_o1 * da_o1/do1 * do1/dw5
    formula: Formula


def chain(*paths: Equations) -> Chain:
    products = [(reduce(mul, path), reduce(mul, path.values())) for path in paths]
    return Chain(paths, *(reduce(add, terms) for terms in zip(*products, strict=True)))


def d(above: Formula, below: Formula) -> Formula:
    """The symbol of a derivative."""
    return Formula(f"d{above.text}/d{below.text}", rf"\frac{{\partial {above.latex}}}{{\partial {below.latex}}}")


E_total, learning_rate = Formula("E_total", r"E_{\text{total}}"), Formula("learning_rate", r"\eta")
