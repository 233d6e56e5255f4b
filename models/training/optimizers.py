"""The optimizers of a training, and which of their tensors a checkpoint keeps."""

import torch
from torch import nn, optim

from models.recipes import Recipe

ADAM_BETA2 = 0.999


def build_optimizer(network: nn.Module, recipe: Recipe, *, is_captured: bool = False) -> optim.Optimizer:
    """For captured steps the rate is a tensor of the network's device, which the fused optimizers read there."""
    device = next(network.parameters()).device
    rate = torch.tensor(recipe.learning_rate, device=device) if is_captured else recipe.learning_rate
    is_fused = True if is_captured else None
    if recipe.optimizer == "adamw":
        return optim.AdamW(
            network.parameters(),
            lr=rate,
            betas=(recipe.momentum, ADAM_BETA2),
            weight_decay=recipe.weight_decay,
            fused=is_fused,
            capturable=is_captured and device.type == "cuda",
        )
    return optim.SGD(
        network.parameters(),
        lr=rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=is_fused,
    )


def buffer_names(recipe: Recipe) -> dict[str, str]:
    """Returns the optimizer's tensors that have the shape of a parameter: name in a checkpoint -> name in its state."""
    if recipe.optimizer == "adamw":
        return {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"}
    return {"momentum": "momentum_buffer"} if recipe.momentum else {}
