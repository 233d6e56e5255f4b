import math
from itertools import pairwise

import numpy as np
import pytest

from models.backprop.derivation.formulas import Formula, half_square, sigmoid
from models.backprop.derivation.general import derive_step
from models.backprop.network import WEIGHT_NAMES
from models.backprop.sweeps.task import Task
from tests.models.backprop.sweeps.tasks import WORKBOOK, random_task
from tests.models.backprop.test_network import GOLDEN

w1, h1, t1 = (Formula(name, f"{name[0]}_{name[1]}") for name in ("w1", "h1", "t1"))
a_h1, a_o1 = (Formula(f"a_{unit}1", f"a_{{{unit}_1}}") for unit in "ho")
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


def test_derivation_of_the_workbooks_steps_has_its_numbers_and_symbols() -> None:
    for before, after in pairwise(GOLDEN):
        derived = derive_step(WORKBOOK, np.array([before[name] for name in WEIGHT_NAMES]), 2.0)
        known = derived["forward"] | derived["errors"]
        assert known == pytest.approx({name: before[name] for name in known}, rel=1e-12)
        gradients = {name: before[f"dE_d{name}"] for name in WEIGHT_NAMES}
        assert derived["gradients"] == pytest.approx(derived["gradients"] | gradients, rel=1e-12)
        assert derived["updated_weights"] == pytest.approx({name: after[name] for name in WEIGHT_NAMES}, rel=1e-12)
    assert set(derived["gradients"]) == {*WEIGHT_NAMES, "a_h1", "a_h2"}


def test_updated_weight_has_braces_only_where_tex_needs_them() -> None:
    assert update_of(random_task((2, 2, 2))).startswith("w_1^{new} = w_1 - ")
    assert update_of(random_task((2, 1))).startswith("{w^{(1)}_{1,1}}^{new} = w^{(1)}_{1,1} - ")


def update_of(task: Task) -> str:
    steps = derive_step(task, task.start, 0.5)["steps"]
    return next(str(step["latex"]) for step in steps if step["section"] == "update")
