"""The optimizers of a training, and which of their tensors a checkpoint keeps."""

from torch import nn, optim

from models.recipes import Recipe

ADAM_BETA2 = 0.999


def build_optimizer(network: nn.Module, recipe: Recipe) -> optim.Optimizer:
    if recipe.optimizer == "adamw":
        return optim.AdamW(
            network.parameters(),
            lr=recipe.learning_rate,
            betas=(recipe.momentum, ADAM_BETA2),
            weight_decay=recipe.weight_decay,
        )
    return optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )


def buffer_names(recipe: Recipe) -> dict[str, str]:
    """Returns the optimizer's tensors that have the shape of a parameter: name in a checkpoint -> name in its state."""
    if recipe.optimizer == "adamw":
        return {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"}
    return {"momentum": "momentum_buffer"} if recipe.momentum else {}
