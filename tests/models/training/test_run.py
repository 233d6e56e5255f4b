import hashlib
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

from models.errors import CheckpointUnusable, DeviceUnavailable
from models.recipes import CHANGES, RECIPES, Recipe
from models.training import checkpoints
from models.training import run as training
from models.training.data import Dataset
from models.training.evaluation import evaluate, wilson_interval
from models.training.run import Epoch, TrainingRun, augment, choose_device, learning_rate

CPU = torch.device("cpu")


class Recorder:
    """Keeps every epoch, and a checkpoint of every step."""

    def __init__(self) -> None:
        self.epochs: list[Epoch] = []
        self.saved: dict[int, bytes] = {}

    def after_batch(self, run: TrainingRun) -> None:
        self.saved[run.step] = checkpoints.to_bytes(run)

    def after_epoch(self, run: TrainingRun, epoch: Epoch) -> None:
        self.after_batch(run)
        self.epochs.append(epoch)


def train(recipe: Recipe, dataset: Dataset, checkpoint: bytes | None = None) -> tuple[TrainingRun, Recorder]:
    run, recorder = TrainingRun(recipe, dataset, seed=1, device=CPU), Recorder()
    if checkpoint is not None:
        checkpoints.restore(run, checkpoint)
    run.advance(recorder)
    return run, recorder


def digest(run: TrainingRun) -> str:
    return hashlib.sha256(checkpoints.to_bytes(run)).hexdigest()


@pytest.mark.parametrize("name", list(RECIPES))
def test_interrupted_run_ends_as_the_undisturbed_one_bit_for_bit(name: str, optdigits: Dataset) -> None:
    recipe = replace(RECIPES[name], epochs=2)
    whole, recorder = train(recipe, optdigits)
    for step in (1, 9, 10, 11):  # in the first epoch, just before, at and after its end
        resumed, rest = train(recipe, optdigits, recorder.saved[step])
        assert digest(resumed) == digest(whole)
        assert [epoch.epoch for epoch in rest.epochs] == ([1, 2] if step < 10 else [2])
        assert rest.epochs[0].train_loss == recorder.epochs[-len(rest.epochs)].train_loss


def test_run_keeps_its_number_of_threads_on_another_machine(
    optdigits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPES["fast"], epochs=2)
    threads = torch.get_num_threads()
    try:
        monkeypatch.setattr(training, "THREADS", 2)
        whole, recorder = train(recipe, optdigits)
        monkeypatch.setattr(training, "THREADS", 1)
        resumed, _ = train(recipe, optdigits, recorder.saved[3])
        assert digest(resumed) == digest(whole)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_checkpoint_of_an_older_release_is_still_good(optdigits: Dataset) -> None:
    recipe = replace(RECIPES["fast"], epochs=1)
    whole, recorder = train(recipe, optdigits)
    tensors = load(recorder.saved[3])
    del tensors["threads"], tensors["way"]
    assert digest(train(recipe, optdigits, save(tensors))[0]) == digest(whole)


def test_fast_recipe_learns_optdigits(optdigits: Dataset) -> None:
    run, recorder = train(replace(RECIPES["fast"], epochs=12), optdigits)
    assert [epoch.epoch for epoch in recorder.epochs] == list(range(1, 13))
    assert recorder.epochs[-1].train_loss < recorder.epochs[0].train_loss / 5
    assert evaluate(run.final_network, optdigits.test).accuracy > 0.9


def test_damaged_checkpoint_is_refused(optdigits: Dataset) -> None:
    recipe = replace(RECIPES["fast"], epochs=1)
    _, recorder = train(recipe, optdigits)
    run = TrainingRun(recipe, optdigits, seed=1, device=CPU)
    for content in (b"", recorder.saved[5][:-100], b"\0" * 1000):
        with pytest.raises(CheckpointUnusable):
            checkpoints.restore(run, content)


def test_one_cycle_climbs_to_its_peak_and_falls_to_zero() -> None:
    recipe = RECIPES["fast"]
    rates = [learning_rate(recipe, step, 1000) for step in range(1000)]
    assert max(rates) == pytest.approx(recipe.learning_rate, rel=0.01)
    assert rates.index(max(rates)) in (199, 200)
    assert 0 < rates[-1] < rates[0] < 0.01 * recipe.learning_rate
    assert learning_rate(RECIPES["reference"], 999, 1000) == 0.01


def test_changes_of_the_pictures_are_half_as_large_in_the_last_steps(
    optdigits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotations = []

    def note(pixels: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        rotations.append(recipe.rotation)
        return augment(pixels, recipe)

    monkeypatch.setattr(training, "augment", note)
    run, _ = train(replace(RECIPES["fast"], epochs=2, settling=0.25), optdigits)
    assert run.total_steps == 20
    assert rotations == [10.0] * 15 + [5.0] * 5


def test_settled_recipe_differs_in_nothing_but_the_changes_of_the_pictures() -> None:
    whole, settled = RECIPES["robust"], RECIPES["robust"].settled()
    assert (settled.shift, settled.stroke, settled.noise) == (whole.shift / 2, whole.stroke / 2, whole.noise / 2)
    assert replace(settled, **{name: getattr(whole, name) for name in CHANGES}) == whole


def test_augmentation_without_amounts_changes_nothing_and_with_them_stays_within_bounds() -> None:
    pixels = torch.zeros(64, 1, 28, 28)
    pixels[:, :, 10:18, 10:18] = 1
    torch.testing.assert_close(augment(pixels, Recipe(epochs=1, batch_size=1, learning_rate=1)), pixels)
    moved = augment(pixels, RECIPES["fast"])
    assert (moved != pixels).flatten(1).any(dim=1).all()
    places = moved.flatten(1).argmax(dim=1)
    assert 5 <= int((places // 28).min()) <= int((places // 28).max()) <= 22


def test_device_that_is_not_there_is_an_error() -> None:
    assert choose_device("cpu") == CPU
    if not torch.cuda.is_available():
        assert choose_device("auto") == CPU
        with pytest.raises(DeviceUnavailable):
            choose_device("cuda")


def test_wilson_interval_is_the_published_one() -> None:
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662."""
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
