"""One step of gradient descent on the 2-2-2 network, written out: each quantity with its formula and where it is from.

The formulas are texts that hold for the names used in them (w1, a_h1, dE_dw5 ...); the values come from backprop.py.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from models.backprop import network as backprop
from models.backprop.network import WEIGHT_NAMES, Pair

Section = Literal["forward", "error", "gradient", "update"]


@dataclass(frozen=True)
class Factor:
    """One factor of the chain rule. A derivative is the sum over `path` of the products of the factors on it."""

    symbol: str
    latex: str
    formula: str
    value: float
    path: int


@dataclass(frozen=True)
class Step:
    """One line of the derivation: symbol = formula = numbers put in = value."""

    section: Section
    symbol: str
    formula: str
    latex: str
    substituted: str
    value: float
    factors: list[Factor]


def trace(weights: tuple[float, ...], inputs: Pair, targets: Pair, learning_rate: float) -> dict[str, Any]:
    """Forward pass, errors, gradients and updated weights, and the derivation of them all as `steps`."""
    w = np.array(weights, np.float64)
    passed = backprop.forward(w, inputs, targets)
    gradients = backprop.gradients(w, inputs, targets, passed)
    updated = backprop.updated(w, learning_rate, gradients.weights)

    forward = {name: float(value) for name, value in vars(passed).items()}
    errors = {name: forward.pop(name) for name in ("E1", "E2", "E_total")}
    slopes = dict(zip(WEIGHT_NAMES, gradients.weights.tolist(), strict=True))
    slopes |= {"a_h1": float(gradients.a_h1), "a_h2": float(gradients.a_h2)}
    moved = dict(zip(WEIGHT_NAMES, updated.tolist(), strict=True))

    known = dict(zip(("i1", "i2", "t1", "t2", "learning_rate"), (*inputs, *targets, learning_rate), strict=True))
    known |= dict(zip(WEIGHT_NAMES, weights, strict=True)) | forward | errors
    known |= {f"dE_d{name}": value for name, value in slopes.items()}
    steps = _forward_steps(known) + _gradient_steps(known) + _update_steps(known, moved)
    return {
        "forward": forward,
        "errors": errors,
        "gradients": slopes,
        "updated_weights": moved,
        "steps": [vars(step) | {"factors": [vars(factor) for factor in step.factors]} for step in steps],
    }


@lru_cache(maxsize=256)  # the formulas are always the same few
def latex(text: str) -> str:
    """A formula of this module in LaTeX."""
    text = re.sub(r"dE_d(\w+)", lambda found: _partial("E_total", found[1]), text)
    text = re.sub(r"\b(a_)?(E|[aiothw])(\d|total)\b", _symbol, text.replace("E_total", "Etotal"))
    return text.replace("**2", "^2").replace(" * ", r" \, ").replace("learning_rate", r"\eta")


_FORWARD = {
    "h1": "w1 * i1 + w2 * i2",
    "a_h1": "1 / (1 + exp(-h1))",
    "h2": "w3 * i1 + w4 * i2",
    "a_h2": "1 / (1 + exp(-h2))",
    "o1": "w5 * a_h1 + w6 * a_h2",
    "a_o1": "1 / (1 + exp(-o1))",
    "o2": "w7 * a_h1 + w8 * a_h2",
    "a_o2": "1 / (1 + exp(-o2))",
    "E1": "(t1 - a_o1)**2 / 2",
    "E2": "(t2 - a_o2)**2 / 2",
    "E_total": "E1 + E2",
}

# weight: (the unit it comes from, the unit it goes to)
_LINKS = {
    "w5": ("a_h1", "o1"), "w6": ("a_h2", "o1"), "w7": ("a_h1", "o2"), "w8": ("a_h2", "o2"),
    "w1": ("i1", "h1"), "w2": ("i2", "h1"), "w3": ("i1", "h2"), "w4": ("i2", "h2"),
}  # fmt: skip


def _forward_steps(known: dict[str, float]) -> list[Step]:
    return [
        _step("error" if name.startswith("E") else "forward", name, formula, known[name], known)
        for name, formula in _FORWARD.items()
    ]


def _gradient_steps(known: dict[str, float]) -> list[Step]:
    order = ("w5", "w6", "w7", "w8", "a_h1", "a_h2", "w1", "w2", "w3", "w4")
    return [_gradient_step(name, known) for name in order]


def _gradient_step(name: str, known: dict[str, float]) -> Step:
    paths = _paths(name)
    factors = [
        Factor(f"d{above}/d{below}", _partial(above, below), formula, _evaluate(formula, known), number)
        for number, path in enumerate(paths, start=1)
        for above, below, formula in path
    ]
    formula = " + ".join(" * ".join(_grouped(part) for _, _, part in path) for path in paths)
    chain = " + ".join(r" \, ".join(_partial(above, below) for above, below, _ in path) for path in paths)
    written = f"{_partial('E_total', name)} = {chain} = {latex(formula)}"
    symbol, value = f"dE_total/d{name}", known[f"dE_d{name}"]
    return Step("gradient", symbol, formula, written, substitute(formula, known), value, factors)


def _paths(name: str) -> list[list[tuple[str, str, str]]]:
    """The chains from E_total down to `name`: of each link (what, by what, the derivative of the one by the other)."""
    if name.startswith("a_h"):
        carriers = [weight for weight, (source, _) in _LINKS.items() if source == name]
        return [[*_output_links(_LINKS[weight][1]), (_LINKS[weight][1], name, weight)] for weight in carriers]
    source, unit = _LINKS[name]
    if unit.startswith("o"):
        return [[*_output_links(unit), (unit, name, source)]]
    activation = f"a_{unit}"
    slope = (activation, unit, f"{activation} * (1 - {activation})")
    return [[("E_total", activation, f"dE_d{activation}"), slope, (unit, name, source)]]


def _output_links(unit: str) -> list[tuple[str, str, str]]:
    activation, number = f"a_{unit}", unit[1]
    return [
        ("E_total", activation, f"{activation} - t{number}"),
        (activation, unit, f"{activation} * (1 - {activation})"),
    ]


def _update_steps(known: dict[str, float], moved: dict[str, float]) -> list[Step]:
    return [
        _step("update", name, f"{name} - learning_rate * dE_d{name}", value, known) for name, value in moved.items()
    ]


def _step(section: Section, name: str, formula: str, value: float, known: dict[str, float]) -> Step:
    symbol = f"{name}_new" if section == "update" else name
    left = f"{latex(name)}^{{new}}" if section == "update" else latex(name)
    return Step(section, symbol, formula, f"{left} = {_written(formula)}", substitute(formula, known), value, [])


def _written(formula: str) -> str:
    """The fractions of the forward pass, which `latex` knows nothing of."""
    if formula.startswith("1 / (1 + exp("):
        return rf"\frac{{1}}{{1 + e^{{-{latex(formula[14:-2])}}}}}"
    if formula.endswith(" / 2"):
        return rf"\tfrac{{1}}{{2}} {latex(formula.removesuffix(' / 2'))}"
    return latex(formula)


def substitute(formula: str, known: dict[str, float]) -> str:
    """The formula with nine digits of each number put in; a negative one stands in brackets."""

    def number(found: re.Match[str]) -> str:
        name = found[0]
        if name not in known:
            return name  # exp
        written = f"{known[name]:.9g}"
        return f"({written})" if written.startswith("-") else written

    return re.sub(r"[A-Za-z]\w*", number, formula)


def _evaluate(formula: str, known: dict[str, float]) -> float:
    """The value of a factor: a name, a difference of names, or a * (1 - a)."""
    if " * " in formula:
        activation = known[formula.partition(" ")[0]]
        return activation * (1 - activation)
    left, _, right = formula.partition(" - ")
    return known[left] - (known[right] if right else 0.0)


def _grouped(formula: str) -> str:
    return f"({formula})" if " - " in formula and " * " not in formula else formula


@lru_cache(maxsize=256)
def _partial(above: str, below: str) -> str:
    return rf"\frac{{\partial {latex(above)}}}{{\partial {latex(below)}}}"


def _symbol(found: re.Match[str]) -> str:
    prefix, letter, number = found.groups()
    plain = rf"{letter}_{{\text{{total}}}}" if number == "total" else f"{letter}_{number}"
    return f"a_{{{plain}}}" if prefix else plain
