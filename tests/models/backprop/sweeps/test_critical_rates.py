import numpy as np

from models.backprop.sweeps import critical_rates
from models.backprop.sweeps.sweep import run_sweep
from models.backprop.sweeps.task import Task
from tests.models.backprop.sweeps.tasks import WORKBOOK


def test_critical_rates_are_those_of_trying_every_number_of_three_digits() -> None:
    every = [float(f"{digits}e{exponent}") for exponent in range(-6, 1) for digits in range(100, 1000)] + [1000.0]
    swept = run_sweep(WORKBOOK, every, epochs=100, thresholds=[])
    converged = swept.last_losses < 1e-6
    begins = int(converged.argmax())
    found = critical_rates.find(WORKBOOK, [], epochs=100, converged_loss=1e-6)
    assert found.loss_rises == every[int(swept.has_risen.argmax())]
    assert found.convergence_begins == every[begins]
    assert found.convergence_ends == every[begins + int((~converged[begins:]).argmax())]


def test_critical_rates_are_none_where_there_are_none() -> None:
    assert critical_rates.find(WORKBOOK, [], epochs=1, converged_loss=1e-30).convergence_begins is None
    assert critical_rates.find(WORKBOOK, [], epochs=100_000, converged_loss=1.0).convergence_ends is None


def test_rates_that_were_chosen_are_evidence_for_the_critical_ones() -> None:
    task = Task(
        layers=(2, 2, 2),
        activation="sigmoid",
        has_biases=False,
        inputs=np.array([[-0.81, 1.5]]),
        targets=np.array([[0.2, 0.51]]),
        start=np.array([-0.39, 1.54, 0.31, 3.52, 1.48, 2.74, -2.16, -0.38]),
    )
    found = critical_rates.find(task, [32.3, 33.0], epochs=500, converged_loss=1e-6)
    assert found.convergence_ends is not None
    assert found.convergence_ends <= 32.3
