"""The weights of the first recipes, by a training loop that is written out here as it was before recipes had options.

Sums of floating-point numbers differ from one processor to the next, so no digest could be written down: both loops run
on this machine, and must agree in every bit.
"""

import copy
import hashlib
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from models.recipes import RECIPES, Recipe
from models.training.batches import prepare_batch
from models.training.data import Dataset
from models.training.digit_network import DigitNetwork
from models.training.export import to_safetensors
from models.training.run import Epoch, TrainingRun, train
from models.training.schedule import mix_seed

CPU = torch.device("cpu")
EPOCHS, SEED = 2, 3


class Silent:
    def before_training(self, run: TrainingRun) -> None: ...

    def after_batch(self, run: TrainingRun) -> None: ...

    def after_epoch(self, run: TrainingRun, epoch: Epoch) -> None: ...


@pytest.mark.parametrize("name", list(RECIPES))
def test_weights_of_a_recipe_and_a_seed_are_what_they_always_were(name: str, optdigits: Dataset) -> None:
    recipe = replace(RECIPES[name], epochs=EPOCHS, precision="float32")
    run = train(recipe, optdigits, seed=SEED, device=CPU, observer=Silent())
    assert digest(run.final_network) == digest(train_plainly(recipe, optdigits))


def digest(network: nn.Module) -> str:
    return hashlib.sha256(to_safetensors(network)).hexdigest()


def train_plainly(recipe: Recipe, dataset: Dataset) -> nn.Module:
    torch.manual_seed(SEED)
    network = DigitNetwork(dropout=recipe.dropout).to(memory_format=torch.channels_last)
    average = copy.deepcopy(network)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )
    network.train()
    per_epoch = math.ceil(len(dataset.train) / recipe.batch_size)
    total, step = EPOCHS * per_epoch, 0
    for epoch in range(EPOCHS):
        generator = torch.Generator().manual_seed(mix_seed(SEED, -1 - epoch))
        for indices in torch.randperm(len(dataset.train), generator=generator).split(recipe.batch_size):
            torch.manual_seed(mix_seed(SEED, step))
            now = recipe.in_cooldown() if step >= (1 - recipe.cooldown) * total else recipe
            pixels, labels = prepare_batch(dataset.train, indices, now)
            digits, outliers = network(pixels.contiguous(memory_format=torch.channels_last)).tensor_split([len(labels)])
            loss = nn.functional.nll_loss(digits, labels)
            if len(outliers):
                loss = loss - 0.1 * outliers.mean()
            rate = recipe.learning_rate
            if recipe.schedule == "one_cycle":
                peak, done = recipe.warmup * total, step + 0.5
                rate *= min(done / peak, (total - done) / (total - peak))
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if recipe.average_decay is not None:
                decay = min(recipe.average_decay, step / (step + 10))
                pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
                for mean, latest in pairs:
                    if mean.is_floating_point():
                        mean.lerp_(latest, 1 - decay)
    return network if recipe.average_decay is None else average
