"""Distillation: a larger network tells the digit network how sure to be."""

import hashlib
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

from models.errors import CheckpointUnusable
from models.recipes import RECIPES
from models.training import checkpoints
from models.training.data import Dataset
from models.training.digit_network import count_parameters
from models.training.evaluation import evaluate
from models.training.run import TrainingRun
from models.training.teacher import FILE, TeacherNetwork, load_teacher, teach

CPU = torch.device("cpu")
ROBUST = replace(RECIPES["robust"], epochs=1)


@pytest.fixture
def as_mnist(optdigits: Dataset) -> Dataset:
    """A few pictures under the name of the data set that the teacher knows."""
    return replace(optdigits, name="mnist")


def run_on(dataset: Dataset, *, taught: float) -> TrainingRun:
    return TrainingRun(replace(ROBUST, taught=taught), dataset, seed=1, device=CPU)


def test_shipped_teacher_is_the_one_of_its_card(mnist: Dataset) -> None:
    card = json.loads(FILE.with_suffix(".json").read_text())
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == card["sha256"]
    assert card["dataset"]["sha256"] == mnist.sha256
    teacher = load_teacher()
    assert count_parameters(teacher) == card["parameters"] == 144_298
    assert evaluate(teacher, mnist.validation).correct == card["validation"]["correct"]


def test_nothing_is_left_to_learn_from_a_teacher_that_is_echoed(optdigits: Dataset) -> None:
    teacher, pixels = load_teacher(), optdigits.test.images[:3] / 255
    answers = teacher(pixels).detach()
    torch.testing.assert_close(teach(teacher, pixels, answers), torch.tensor(0.0), atol=1e-5, rtol=0)
    assert teach(teacher, pixels, answers.flip(1)) > 0.1


def test_teaching_pulls_towards_the_teacher_and_leaves_it_as_it_is(optdigits: Dataset) -> None:
    teacher, pixels = load_teacher(), optdigits.test.images[:3] / 255
    scores = torch.zeros(3, 10, requires_grad=True)
    weights = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    before = teach(teacher, pixels, scores.log_softmax(1))
    before.backward()
    assert scores.grad is not None
    assert teach(teacher, pixels, (scores - 0.1 * scores.grad).log_softmax(1)) < before
    assert all(torch.equal(tensor, weights[name]) for name, tensor in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_only_a_taught_recipe_on_its_own_data_set_asks_the_teacher(optdigits: Dataset, as_mnist: Dataset) -> None:
    assert isinstance(run_on(as_mnist, taught=0.9).teacher, TeacherNetwork)
    assert run_on(as_mnist, taught=0.0).teacher is None
    assert run_on(optdigits, taught=0.9).teacher is None


def test_what_the_teacher_says_is_learnt_and_its_share_counts(as_mnist: Dataset) -> None:
    batch, weights = torch.arange(64), []
    for taught in (0.0, 0.5, 1.0):
        run = run_on(as_mnist, taught=taught)
        run.train_on(batch)
        weights.append(torch.cat([parameter.detach().flatten() for parameter in run.network.parameters()]))
    labels_only, half, teacher_only = weights
    torch.testing.assert_close(half, (labels_only + teacher_only) / 2, atol=1e-6, rtol=1e-4)
    assert (teacher_only - labels_only).abs().max() > 1e-3


def test_checkpoint_is_refused_by_a_run_with_another_teacher(as_mnist: Dataset) -> None:
    run, other = run_on(as_mnist, taught=0.9), run_on(as_mnist, taught=0.9)
    run.train_on(torch.arange(8))
    assert other.teacher is not None
    with torch.no_grad():
        other.teacher.linear.bias += 1
    with pytest.raises(CheckpointUnusable, match="another recipe or teacher"):
        checkpoints.restore(other, checkpoints.to_bytes(run))


def test_checkpoint_is_refused_by_a_run_that_would_be_taught_otherwise(as_mnist: Dataset) -> None:
    untaught = run_on(as_mnist, taught=0.0)
    untaught.train_on(torch.arange(8))
    content = checkpoints.to_bytes(untaught)
    for other in (run_on(as_mnist, taught=0.9), run_on(as_mnist, taught=0.1)):
        with pytest.raises(CheckpointUnusable, match="another recipe"):
            checkpoints.restore(other, content)
    of_before = {name: tensor for name, tensor in load(content).items() if name != "way"}
    with pytest.raises(CheckpointUnusable, match="another recipe"):  # releases that did not say could not teach
        checkpoints.restore(run_on(as_mnist, taught=0.9), save(of_before))
    checkpoints.restore(TrainingRun(untaught.recipe, as_mnist, seed=1, device=CPU), content)


def test_interrupted_taught_run_ends_as_the_undisturbed_one(as_mnist: Dataset) -> None:
    whole, again = run_on(as_mnist, taught=0.9), run_on(as_mnist, taught=0.9)
    batches = torch.arange(128).split(32)
    for batch in batches[:2]:
        whole.train_on(batch)
    checkpoints.restore(again, checkpoints.to_bytes(whole))
    for batch in batches[2:]:
        whole.train_on(batch)
        again.train_on(batch)
    assert checkpoints.to_bytes(again) == checkpoints.to_bytes(whole)
