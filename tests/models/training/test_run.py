import hashlib
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from models.errors import BatchTooLarge, CheckpointUnusable, DeviceUnavailable, TrainingDiverged
from models.recipes import AUGMENTATIONS, RECIPES, Recipe
from models.training import batches, checkpoints
from models.training import run as training
from models.training.augmentation import augment
from models.training.data import Dataset
from models.training.digit_network import DigitNetwork
from models.training.evaluation import evaluate, wilson_interval
from models.training.loss import compute_loss
from models.training.run import Epoch, TrainingRun, choose_device, choose_precision
from models.training.schedule import learning_rate

CPU = torch.device("cpu")


class Recorder:
    """Keeps every epoch, and a checkpoint of every step; begins from a checkpoint if it has one."""

    def __init__(self, checkpoint: bytes | None = None) -> None:
        self.checkpoint = checkpoint
        self.epochs: list[Epoch] = []
        self.saved: dict[int, bytes] = {}

    def before_training(self, run: TrainingRun) -> None:
        if self.checkpoint is not None:
            checkpoints.restore(run, self.checkpoint)

    def after_batch(self, run: TrainingRun) -> None:
        self.saved[run.steps_done] = checkpoints.to_bytes(run)

    def after_epoch(self, run: TrainingRun, epoch: Epoch) -> None:
        self.after_batch(run)
        self.epochs.append(epoch)


def train(recipe: Recipe, dataset: Dataset, checkpoint: bytes | None = None) -> tuple[TrainingRun, Recorder]:
    recorder = Recorder(checkpoint)
    return training.train(recipe, dataset, seed=1, device=CPU, observer=recorder), recorder


def digest(run: TrainingRun) -> str:
    return hashlib.sha256(checkpoints.to_bytes(run)).hexdigest()


OTHERS = {
    "adamw": Recipe(
        epochs=2, batch_size=128, learning_rate=0.002, optimizer="adamw", schedule="cosine", label_smoothing=0.1,
        average_decay=0.9,
    ),
    "no momentum": Recipe(epochs=2, batch_size=128, learning_rate=0.1, momentum=0.0),
}  # fmt: skip


@pytest.mark.parametrize("recipe", [*RECIPES.values(), *OTHERS.values()], ids=[*RECIPES, *OTHERS])
def test_interrupted_run_ends_as_the_undisturbed_one_bit_for_bit(recipe: Recipe, optdigits: Dataset) -> None:
    recipe = replace(recipe, epochs=2)
    whole, recorder = train(recipe, optdigits)
    end = whole.steps_per_epoch
    for step in (1, end - 1, end, end + 1):  # in the first epoch, just before, at and after its end
        resumed, rest = train(recipe, optdigits, recorder.saved[step])
        assert digest(resumed) == digest(whole)
        assert [epoch.epoch for epoch in rest.epochs] == ([1, 2] if step < end else [2])
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


def test_run_keeps_its_precision_on_another_machine(optdigits: Dataset) -> None:
    """A checkpoint of a run in bfloat16 goes on in bfloat16, where a new run would compute in float32."""
    recipe = replace(RECIPES["fast"], epochs=2)
    whole, recorder = train(replace(recipe, precision="bfloat16"), optdigits)
    resumed, _ = train(replace(recipe, precision="float32"), optdigits, recorder.saved[3])
    assert resumed.precision == "bfloat16"
    assert digest(resumed) == digest(whole)
    assert digest(train(replace(recipe, precision="float32"), optdigits)[0]) != digest(whole)


@pytest.mark.parametrize(
    ("asked", "has_instructions", "device", "chosen"),
    [
        ("auto", True, "cpu", "bfloat16"),
        ("auto", False, "cpu", "float32"),
        ("auto", True, "cuda", "float32"),
        ("float32", True, "cpu", "float32"),
        ("bfloat16", False, "cpu", "bfloat16"),
    ],
)
def test_precision_follows_the_processor_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: str, has_instructions: bool, device: str, chosen: str
) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: has_instructions)
    assert choose_precision(asked, torch.device(device)) == chosen


def test_fast_recipe_learns_optdigits(optdigits: Dataset) -> None:
    run, recorder = train(replace(RECIPES["fast"], epochs=12), optdigits)
    assert [epoch.epoch for epoch in recorder.epochs] == list(range(1, 13))
    assert recorder.epochs[-1].train_loss < recorder.epochs[0].train_loss / 5
    assert evaluate(run.final_network, optdigits.test).accuracy > 0.9


def test_damaged_checkpoint_is_refused_and_leaves_the_run_as_it_was(optdigits: Dataset) -> None:
    recipe = replace(RECIPES["fast"], epochs=1)
    _, recorder = train(recipe, optdigits)
    run = TrainingRun(recipe, optdigits, seed=1, device=CPU)
    before = digest(run)
    tensors = load(recorder.saved[5])
    damaged = [b"", recorder.saved[5][:-100], b"\0" * 1000]
    needed = tensors.keys() - {"is_bfloat16", "environment"}
    damaged += [save({name: tensors[name] for name in tensors if name != lost}) for lost in needed]
    damaged.append(save(tensors | {"momentum.linear.weight": torch.zeros(3)}))
    for content in damaged:
        with pytest.raises(CheckpointUnusable):
            checkpoints.restore(run, content)
    assert digest(run) == before


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (RECIPES["reference"], "3f3ca3602c0c7f7477369f53aaecfecfcc7938fe292acc3a1fdefa0991557537"),
        (replace(RECIPES["fast"], epochs=5), "190f84b231b24649eab2ebcac261ec5bc7eb6caebb9371807d3399a178f5b58e"),
    ],
)
def test_renamed_fields_leave_the_digest_in_checkpoints_as_it_was(
    recipe: Recipe, expected: str, optdigits: Dataset
) -> None:
    """The digests that were written before the fields got the names in DIGEST_NAMES: such a run still resumes."""
    run = TrainingRun(recipe, optdigits, seed=1, device=CPU)
    assert bytes(load(checkpoints.to_bytes(run))["way"].tolist()).hex() == expected


def test_one_cycle_climbs_to_its_peak_and_falls_to_zero() -> None:
    recipe = RECIPES["fast"]
    rates = [learning_rate(recipe, step, 1000) for step in range(1000)]
    assert max(rates) == pytest.approx(recipe.learning_rate, rel=0.01)
    assert rates.index(max(rates)) in (199, 200)
    assert 0 < rates[-1] < rates[0] < 0.01 * recipe.learning_rate
    assert learning_rate(RECIPES["reference"], 999, 1000) == 0.01


def test_cosine_climbs_to_its_peak_and_falls_to_zero_along_half_a_cosine() -> None:
    recipe = replace(RECIPES["fast"], schedule="cosine", learning_rate=1.0)
    rates = [learning_rate(recipe, step, 1000) for step in range(1000)]
    assert rates[99] == pytest.approx(0.4975)
    assert max(rates) == pytest.approx(1.0, rel=1e-4)
    assert rates[599] == pytest.approx(0.5, abs=0.002)
    assert rates[799] == pytest.approx(math.cos(math.pi * 3 / 8) ** 2, abs=0.002)
    assert 0 < rates[-1] < 1e-5
    assert learning_rate(replace(recipe, warmup=0.0), 0, 1000) == pytest.approx(1.0, rel=1e-4)


def test_label_smoothing_is_that_of_cross_entropy(optdigits: Dataset) -> None:
    network = DigitNetwork(dropout=0.0)
    pixels, labels = optdigits.train.images[:64].float() / 255, optdigits.train.labels[:64]
    loss, reported = compute_loss(network, pixels, labels, teacher=None, distillation_weight=0.0, label_smoothing=0.2)
    logits = network.logits(pixels)
    torch.testing.assert_close(loss, nn.functional.cross_entropy(logits, labels, label_smoothing=0.2))
    torch.testing.assert_close(reported, nn.functional.cross_entropy(logits, labels))


def test_loss_that_is_not_finite_stops_at_its_step_before_the_weights_change(
    optdigits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_the_13th(*arguments: Any, **named: Any) -> tuple[torch.Tensor, torch.Tensor]:
        loss, label_loss = compute_loss(*arguments, **named)
        return (loss * float("inf") if run.steps_done == 12 else loss), label_loss

    monkeypatch.setattr(training, "compute_loss", lose_the_13th)
    run = TrainingRun(replace(RECIPES["fast"], epochs=2), optdigits, seed=1, device=CPU)
    indices = torch.arange(128)
    for _ in range(12):
        run.step(indices)
    before = [parameter.clone() for parameter in run.network.parameters()]
    with pytest.raises(TrainingDiverged, match=r"not finite at step 13 of 20 \(epoch 2\)"):
        run.step(indices)
    assert run.steps_done == 12
    assert all(torch.equal(*pair) for pair in zip(before, run.network.parameters(), strict=True))


def test_batch_that_is_larger_than_the_data_is_refused(optdigits: Dataset) -> None:
    recipe = replace(RECIPES["fast"], batch_size=len(optdigits.train) + 1)
    with pytest.raises(BatchTooLarge, match="1,198 is larger than the 1,197 training pictures of optdigits"):
        TrainingRun(recipe, optdigits, seed=1, device=CPU)


def test_adamw_learns_optdigits(optdigits: Dataset) -> None:
    recipe = Recipe(epochs=4, batch_size=64, learning_rate=0.01, optimizer="adamw", schedule="one_cycle")
    run, recorder = train(recipe, optdigits)
    assert recorder.epochs[-1].train_loss < recorder.epochs[0].train_loss / 3
    assert evaluate(run.final_network, optdigits.test).accuracy > 0.85


def test_augmentations_are_half_as_large_in_the_cooldown(optdigits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    rotations = []

    def note(pixels: torch.Tensor, recipe: Recipe) -> torch.Tensor:
        rotations.append(recipe.rotation)
        return augment(pixels, recipe)

    monkeypatch.setattr(batches, "augment", note)
    run, _ = train(replace(RECIPES["fast"], epochs=2, cooldown=0.25), optdigits)
    assert run.total_steps == 20
    assert rotations == [10.0] * 15 + [5.0] * 5


def test_recipe_in_cooldown_differs_in_nothing_but_the_augmentations() -> None:
    whole, cooled = RECIPES["robust"], RECIPES["robust"].in_cooldown()
    assert (cooled.shift, cooled.stroke, cooled.noise) == (whole.shift / 2, whole.stroke / 2, whole.noise / 2)
    assert replace(cooled, **{name: getattr(whole, name) for name in AUGMENTATIONS}) == whole


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
