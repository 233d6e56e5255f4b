"""Momentum, Adam, mini-batches and cross-entropy, compared with torch."""

from typing import Any

import numpy as np
import pytest
import torch

from app.jobs.specs import BackpropSweepSpec
from models.backprop.derivation.general import count_steps, derive_step
from models.backprop.sweeps.dense_networks import evaluate
from models.backprop.sweeps.descent import EarlyStopping
from models.backprop.sweeps.optimizers import create_optimizer
from models.backprop.sweeps.replay import MAX_STEPS, is_affordable, replay
from models.backprop.sweeps.sweep import run_sweep
from models.backprop.sweeps.task import Task, split

SAMPLES = {
    "layers": [2, 3, 2], "inputs": [[0.1, 0.9], [0.8, 0.3], [0.4, 0.5], [0.7, 0.6], [0.2, 0.1]],
    "targets": [[0, 1], [1, 0], [0.3, 0.7], [1, 0], [0, 1]], "seed": 5, "biases": True, "activation": "tanh",
}  # fmt: skip
RATE, EPOCHS = 0.1, 12


def task_of(**fields: Any) -> Task:
    spec = {"kind": "backprop_sweep", "learning_rates": [RATE], "epochs": EPOCHS} | SAMPLES | fields
    return BackpropSweepSpec.model_validate(spec).to_task()


def train_with_torch(task: Task) -> tuple[list[float], np.ndarray[Any, Any]]:
    """The losses before training and after each epoch, and the final parameters."""
    layers = [
        torch.tensor(part[0].copy(), requires_grad=True)
        for pair in split(task.start[None], task)
        for part in pair
        if part is not None
    ]
    rule = task.rule
    optimizer: torch.optim.Optimizer = torch.optim.SGD(
        layers, RATE, momentum=rule.momentum if rule.name == "momentum" else 0
    )
    if rule.name == "adam":
        optimizer = torch.optim.Adam(layers, RATE, betas=(rule.beta1, rule.beta2), eps=rule.epsilon)

    def loss_of(part: Task) -> torch.Tensor:
        found = torch.from_numpy(part.inputs)
        for number, (weights, biases) in enumerate(zip(layers[::2], layers[1::2], strict=True), start=1):
            found = found @ weights.T + biases
            is_output = number == len(layers) // 2
            found = found if is_output and part.loss == "cross_entropy" else torch.tanh(found)
        targets = torch.from_numpy(part.targets)
        if part.loss == "cross_entropy":
            return torch.nn.functional.cross_entropy(found, targets)
        return ((found - targets) ** 2).sum() / 2 / len(targets)

    losses = [loss_of(task).item()]
    for epoch in range(1, EPOCHS + 1):
        for batch in task.batches(epoch):
            optimizer.zero_grad()
            loss_of(batch).backward()
            optimizer.step()
        losses.append(loss_of(task).item())
    return losses, np.concatenate([layer.detach().numpy().ravel() for layer in layers])


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum", "adam"])
@pytest.mark.parametrize("batch_size", [None, 2])
def test_training_is_that_of_torch(loss: str, optimizer: str, batch_size: int | None) -> None:
    task = task_of(loss=loss, optimizer=optimizer, batch_size=batch_size)
    losses, parameters = train_with_torch(task)
    result = run_sweep(task, [RATE], epochs=EPOCHS, thresholds=[])
    np.testing.assert_allclose(result.losses[0], losses, rtol=1e-9)
    np.testing.assert_allclose(result.parameters[0], parameters, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_the_derived_step_of_an_epoch_is_the_one_that_the_sweep_took(optimizer: str) -> None:
    task = task_of(loss="cross_entropy", optimizer=optimizer)
    before, after = (replay(task, RATE, epochs=epochs) for epochs in (4, 5))
    derived = derive_step(task, before.parameters, RATE, optimizer=before.optimizer)
    np.testing.assert_allclose(list(derived["updated_weights"].values()), after.parameters, rtol=1e-12)
    found = evaluate(before.parameters[None], task)
    gradients = [derived["gradients"][name] for name in derived["updated_weights"]]
    np.testing.assert_allclose(gradients, found.gradient[0], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("value", [1e3, 1e100, np.inf, np.nan])
def test_a_step_of_a_network_that_diverged_is_derived_as_the_sweep_took_it(
    loss: str, activation: str, value: float
) -> None:
    task = task_of(loss=loss, activation=activation, optimizer="adam")
    parameters = np.resize([value, -value, value / 2], task.start.shape)
    optimizer = create_optimizer(task.rule, parameters[None])
    derived = derive_step(task, parameters, RATE, optimizer=optimizer)
    with np.errstate(all="ignore"):
        swept = evaluate(parameters[None], task)
    np.testing.assert_allclose(derived["errors"]["E_total"], swept.loss[0], rtol=1e-9)
    gradients = [derived["gradients"][name] for name in derived["updated_weights"]]
    largest = np.abs(swept.gradient[np.isfinite(swept.gradient)]).max(initial=0)  # of terms that cancel out, a rest
    np.testing.assert_allclose(gradients, swept.gradient[0], rtol=1e-9, atol=1e-12 * largest)


@pytest.mark.parametrize("optimizer", ["gradient_descent", "adam"])
@pytest.mark.parametrize("early_stopping", [EarlyStopping(target_loss=0.2), EarlyStopping(patience=3)])
def test_a_training_that_stopped_early_has_no_later_step(optimizer: str, early_stopping: EarlyStopping) -> None:
    task, rate = task_of(optimizer=optimizer), 1.0
    swept = run_sweep(task, [RATE, rate], epochs=60, thresholds=[], early_stopping=early_stopping)
    last = int(swept.last_epochs[1])
    assert 1 < last < 60
    found = [replay(task, rate, epochs=epochs, early_stopping=early_stopping) for epochs in (last - 1, last, 60)]
    assert [each.stopped_at for each in found] == [None, last, last]
    np.testing.assert_array_equal(found[-1].parameters, swept.parameters[1])
    assert replay(task, rate, epochs=last - 1).stopped_at is None


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum", "adam"])
@pytest.mark.parametrize("batch_size", [None, 1])
@pytest.mark.parametrize("layers", [[2, 2], [2, 3, 2], [2, 2, 4, 2]])
def test_lines_of_a_derivation_are_counted_before_it_is_made(
    loss: str, optimizer: str, batch_size: int | None, layers: list[int]
) -> None:
    task = task_of(loss=loss, optimizer=optimizer, layers=layers, batch_size=batch_size, biases=layers != [2, 2])
    step = task.batches(1)[0]
    assert count_steps(step) == len(derive_step(step, step.start, RATE)["steps"])


def test_only_so_many_steps_are_taken_again() -> None:
    task = task_of(batch_size=1)
    assert is_affordable(task, MAX_STEPS // len(task.inputs))
    assert not is_affordable(task, MAX_STEPS // len(task.inputs) + 1)
