"""The trace of one step of gradient descent: every quantity, and the derivation with the numbers put in."""

from typing import Any

import numpy as np

from models.backprop import network
from models.backprop.derivation.equations import ERRORS, FORWARD, GRADIENTS, UPDATES, Chain
from models.backprop.derivation.formulas import Formula
from models.backprop.network import WEIGHT_NAMES, Pair


def trace(weights: tuple[float, ...], inputs: Pair, targets: Pair, learning_rate: float) -> dict[str, Any]:
    """Returns the forward pass, the errors, the gradients, the updated weights, and their derivation as `steps`."""
    w = np.array(weights, np.float64)
    passed = network.forward(w, inputs, targets)
    derived = network.gradients(w, inputs, targets, passed)
    updated = network.update(w, learning_rate, derived.weights)

    forward = {name: float(value) for name, value in vars(passed).items()}
    errors = {name: forward.pop(name) for name in ("E1", "E2", "E_total")}
    gradients = dict(zip(WEIGHT_NAMES, derived.weights.tolist(), strict=True))
    gradients |= {"a_h1": float(derived.a_h1), "a_h2": float(derived.a_h2)}
    updated_weights = dict(zip(WEIGHT_NAMES, updated.tolist(), strict=True))

    values = dict(zip(("i1", "i2", "t1", "t2", "learning_rate"), (*inputs, *targets, learning_rate), strict=True))
    values |= dict(zip(WEIGHT_NAMES, weights, strict=True)) | forward | errors
    values |= {f"{prefix}{name}": value for name, value in gradients.items() for prefix in ("dE_d", "dE_total/d")}
    values |= {f"{name}_new": value for name, value in updated_weights.items()}
    steps = [
        *(render_step("forward", symbol, formula, values) for symbol, formula in FORWARD.items()),
        *(render_step("error", symbol, formula, values) for symbol, formula in ERRORS.items()),
        *(render_step("gradient", symbol, chain.formula, values, chain) for symbol, chain in GRADIENTS.items()),
        *(render_step("update", symbol, formula, values) for symbol, formula in UPDATES.items()),
    ]
    return {
        "forward": forward, "errors": errors, "gradients": gradients, "updated_weights": updated_weights, "steps": steps
    }  # fmt: skip


def render_step(
    section: str, symbol: Formula, formula: Formula, values: dict[str, float], chain: Chain | None = None
) -> dict[str, Any]:
    """Returns a line of the derivation, `symbol = formula`, and the factors of its chain rule."""
    middle = f"{chain.derivatives.latex} = " if chain else ""
    return {
        "section": section,
        "symbol": symbol.text,
        "formula": formula.text,
        "latex": f"{symbol.latex} = {middle}{formula.latex}",
        "substituted": formula.substitute(values),
        "value": values[symbol.text],
        "factors": [
            {"symbol": d.text, "latex": d.latex, "formula": its.text, "value": its.evaluate(values), "path": path}
            for path, derivatives in enumerate(chain.paths if chain else (), start=1)
            for d, its in derivatives.items()
        ],
    }
