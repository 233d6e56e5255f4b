"""Distillation: a larger network tells the digit network how sure to be."""

import hashlib
import json
from dataclasses import replace

import pytest
import torch

from models.errors import CheckpointUnusable
from models.recipes import RECIPES
from models.training import checkpoints
from models.training.data import Dataset
from models.training.digit_network import count_parameters
from models.training.evaluation import evaluate
from models.training.run import TrainingRun
from models.training.teacher import TEACHER_FILE, TeacherNetwork, distillation_loss, load_teacher

CPU = torch.device("cpu")
ROBUST = replace(RECIPES["robust"], epochs=1)


@pytest.fixture
def as_mnist(optdigits: Dataset) -> Dataset:
    """A few pictures under the name of the data set that the teacher knows."""
    return replace(optdigits, name="mnist")


def run_on(dataset: Dataset, *, weight: float) -> TrainingRun:
    recipe = replace(ROBUST, distillation_weight=weight, precision="float32")
    return TrainingRun(recipe, dataset, seed=1, device=CPU)


def test_shipped_teacher_is_the_one_of_its_card(mnist: Dataset) -> None:
    card = json.loads(TEACHER_FILE.with_suffix(".json").read_text())
    assert hashlib.sha256(TEACHER_FILE.read_bytes()).hexdigest() == card["sha256"]
    assert card["dataset"]["sha256"] == mnist.sha256
    teacher = load_teacher()
    assert count_parameters(teacher) == card["parameters"] == 144_298
    assert evaluate(teacher, mnist.validation).correct == card["validation"]["correct"]


def test_distillation_loss_is_zero_for_the_answers_of_the_teacher(optdigits: Dataset) -> None:
    teacher, pixels = load_teacher(), optdigits.test.images[:3] / 255
    answers = teacher(pixels).detach()
    torch.testing.assert_close(distillation_loss(teacher, pixels, answers), torch.tensor(0.0), atol=1e-5, rtol=0)
    assert distillation_loss(teacher, pixels, answers.flip(1)) > 0.1


def test_distillation_moves_towards_the_teacher_and_leaves_it_as_it_is(optdigits: Dataset) -> None:
    teacher, pixels = load_teacher(), optdigits.test.images[:3] / 255
    scores = torch.zeros(3, 10, requires_grad=True)
    weights = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    before = distillation_loss(teacher, pixels, scores.log_softmax(1))
    before.backward()
    assert scores.grad is not None
    assert distillation_loss(teacher, pixels, (scores - 0.1 * scores.grad).log_softmax(1)) < before
    assert all(torch.equal(tensor, weights[name]) for name, tensor in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_teacher_is_used_by_a_recipe_with_distillation_on_its_own_data_set_only(
    optdigits: Dataset, as_mnist: Dataset
) -> None:
    assert isinstance(run_on(as_mnist, weight=0.9).teacher, TeacherNetwork)
    assert run_on(as_mnist, weight=0.0).teacher is None
    assert run_on(optdigits, weight=0.9).teacher is None


def test_distillation_weight_interpolates_between_labels_and_teacher(as_mnist: Dataset) -> None:
    batch, learnt = torch.arange(64), []
    for weight in (0.0, 0.5, 1.0):
        run = run_on(as_mnist, weight=weight)
        run.step(batch)
        learnt.append(torch.cat([parameter.detach().flatten() for parameter in run.network.parameters()]))
    labels_only, half, teacher_only = learnt
    torch.testing.assert_close(half, (labels_only + teacher_only) / 2, atol=1e-6, rtol=1e-4)
    assert (teacher_only - labels_only).abs().max() > 1e-3


def test_checkpoint_is_refused_by_a_run_with_another_teacher(as_mnist: Dataset) -> None:
    run, other = run_on(as_mnist, weight=0.9), run_on(as_mnist, weight=0.9)
    run.step(torch.arange(8))
    assert other.teacher is not None
    with torch.no_grad():
        other.teacher.linear.bias += 1
    with pytest.raises(CheckpointUnusable, match="another recipe or teacher"):
        checkpoints.restore(other, checkpoints.to_bytes(run))


def test_checkpoint_is_refused_by_a_run_with_another_distillation_weight(as_mnist: Dataset) -> None:
    undistilled = run_on(as_mnist, weight=0.0)
    undistilled.step(torch.arange(8))
    content = checkpoints.to_bytes(undistilled)
    for other in (run_on(as_mnist, weight=0.9), run_on(as_mnist, weight=0.1)):
        with pytest.raises(CheckpointUnusable, match="another recipe"):
            checkpoints.restore(other, content)
    checkpoints.restore(TrainingRun(undistilled.recipe, as_mnist, seed=1, device=CPU), content)


def test_interrupted_run_with_a_teacher_ends_as_the_undisturbed_one(as_mnist: Dataset) -> None:
    whole, again = run_on(as_mnist, weight=0.9), run_on(as_mnist, weight=0.9)
    batches = torch.arange(128).split(32)
    for batch in batches[:2]:
        whole.step(batch)
    checkpoints.restore(again, checkpoints.to_bytes(whole))
    for batch in batches[2:]:
        whole.step(batch)
        again.step(batch)
    assert checkpoints.to_bytes(again) == checkpoints.to_bytes(whole)
