import math
from itertools import chain

import pytest

from models.backprop.derivation.equations import ERRORS, FORWARD, GRADIENTS, UPDATES, a_h1, a_o1, h1, t1, w1
from models.backprop.derivation.formulas import Formula, half_square, sigmoid
from models.backprop.derivation.steps import trace

VALUES = {"w1": -1.5, "h1": 0.25, "a_h1": 2.0, "a_o1": 0.5, "t1": 3.0}


def test_a_sum_is_bracketed_in_a_product_only() -> None:
    assert (w1 * (1 - a_h1) - t1 * h1).text == "w1 * (1 - a_h1) - t1 * h1"
    assert (w1 * (a_o1 - t1)).latex == r"w_1 \, (a_{o_1} - t_1)"


def test_a_negative_number_is_put_in_with_brackets() -> None:
    assert sigmoid(w1).substitute(VALUES) == "1 / (1 + exp(-(-1.5)))"
    assert half_square(t1 - w1).substitute(VALUES) == "(3 - (-1.5))**2 / 2"


@pytest.mark.parametrize("formula", [w1 * (1 - a_h1) - t1, w1 + h1, sigmoid(h1), half_square(t1 - a_o1)])
def test_a_formula_has_the_value_of_its_text(formula: Formula) -> None:
    assert formula.evaluate(VALUES) == pytest.approx(eval(formula.text, {"exp": math.exp}, VALUES), rel=1e-15)


def test_the_trace_has_a_step_for_each_equation() -> None:
    steps = trace((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), (1.0, 2.0), (0.3, 0.6), 0.5)["steps"]
    symbols = chain(FORWARD, ERRORS, GRADIENTS, UPDATES)
    assert [step["symbol"] for step in steps] == [symbol.text for symbol in symbols]
