"""A line of a derivation: symbols, numbers, value and factors."""

from typing import Any

from models.backprop.derivation.equations import Chain
from models.backprop.derivation.formulas import Formula


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
