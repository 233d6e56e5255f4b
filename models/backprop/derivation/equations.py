"""One step of gradient descent on the 2-2-2 network, derived line by line."""

from dataclasses import dataclass
from functools import reduce
from operator import add, mul

from models.backprop.derivation.formulas import Formula, half_square, sigmoid

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


def gradient(below: Formula) -> Formula:
    """The derivative of E_total where another formula uses it: its text is a name in Python."""
    return Formula(f"dE_d{below.text}", d(E_total, below).latex)


def _numbered(letter: str, count: int) -> list[Formula]:
    return [Formula(f"{letter}{number}", f"{letter}_{number}") for number in range(1, count + 1)]


(i1, i2), (h1, h2), (o1, o2), (t1, t2), (E1, E2) = (_numbered(letter, 2) for letter in "ihotE")
a_h1, a_h2, a_o1, a_o2 = (Formula(f"a_{unit.text}", f"a_{{{unit.latex}}}") for unit in (h1, h2, o1, o2))
w1, w2, w3, w4, w5, w6, w7, w8 = weights = _numbered("w", 8)
E_total, learning_rate = Formula("E_total", r"E_{\text{total}}"), Formula("learning_rate", r"\eta")

FORWARD: Equations = {
    h1: w1 * i1 + w2 * i2,
    a_h1: sigmoid(h1),
    h2: w3 * i1 + w4 * i2,
    a_h2: sigmoid(h2),
    o1: w5 * a_h1 + w6 * a_h2,
    a_o1: sigmoid(o1),
    o2: w7 * a_h1 + w8 * a_h2,
    a_o2: sigmoid(o2),
}

ERRORS: Equations = {E1: half_square(t1 - a_o1), E2: half_square(t2 - a_o2), E_total: E1 + E2}

# The derivatives on the path from E_total back to each unit's sum ...
TO_O1 = {d(E_total, a_o1): a_o1 - t1, d(a_o1, o1): a_o1 * (1 - a_o1)}
TO_O2 = {d(E_total, a_o2): a_o2 - t2, d(a_o2, o2): a_o2 * (1 - a_o2)}
TO_H1 = {d(E_total, a_h1): gradient(a_h1), d(a_h1, h1): a_h1 * (1 - a_h1)}
TO_H2 = {d(E_total, a_h2): gradient(a_h2), d(a_h2, h2): a_h2 * (1 - a_h2)}

# ... and one more to a term of that sum. A hidden activation reaches E_total through both outputs.
GRADIENTS = {
    d(E_total, w5): chain(TO_O1 | {d(o1, w5): a_h1}),
    d(E_total, w6): chain(TO_O1 | {d(o1, w6): a_h2}),
    d(E_total, w7): chain(TO_O2 | {d(o2, w7): a_h1}),
    d(E_total, w8): chain(TO_O2 | {d(o2, w8): a_h2}),
    d(E_total, a_h1): chain(TO_O1 | {d(o1, a_h1): w5}, TO_O2 | {d(o2, a_h1): w7}),
    d(E_total, a_h2): chain(TO_O1 | {d(o1, a_h2): w6}, TO_O2 | {d(o2, a_h2): w8}),
    d(E_total, w1): chain(TO_H1 | {d(h1, w1): i1}),
    d(E_total, w2): chain(TO_H1 | {d(h1, w2): i2}),
    d(E_total, w3): chain(TO_H2 | {d(h2, w3): i1}),
    d(E_total, w4): chain(TO_H2 | {d(h2, w4): i2}),
}

UPDATES: Equations = {Formula(f"{w.text}_new", f"{w.latex}^{{new}}"): w - learning_rate * gradient(w) for w in weights}
