"""A training run to bytes and back: safetensors, so that nothing in it is ever executed.

Networks, momentum buffers, the loss of the epoch so far, the step and the number of threads are all there is: the
schedule and the random numbers are functions of the step (see training.py). A digest of the recipe and the teacher says
whether a run would go on as it began, for a later release may train otherwise under the same name.
"""

import hashlib
import json
from dataclasses import asdict, fields, replace

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from models.errors import CheckpointUnusable
from models.recipes import Recipe
from models.training.run import TrainingRun
from models.training.teacher import TeacherNetwork


def to_bytes(run: TrainingRun) -> bytes:
    """Everything that the run's next step depends on."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in _tensors(run).items()} | _position(run))


def restore(run: TrainingRun, content: bytes) -> None:
    """Put a freshly made run where the saved one stood. Raises CheckpointUnusable, and then the run is unfit."""
    try:
        saved = load(content)
        _require_same_way(run, saved.get("way"))
        run.step = int(saved["step"])
        if "threads" in saved:  # the first checkpoints had none
            run.threads = int(saved["threads"])
        run.loss_sum.copy_(saved["loss_sum"])
        _prepare_momentum(run)
        for name, tensor in _tensors(run).items():
            tensor.detach().copy_(saved[name])
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise CheckpointUnusable(f"The checkpoint cannot be used: {error}.") from error
    if run.step > run.total_steps:
        raise CheckpointUnusable(f"The checkpoint is at step {run.step} of a training of {run.total_steps} steps.")


def _require_same_way(run: TrainingRun, saved: Tensor | None) -> None:
    """Raise CheckpointUnusable where the saved run was to be trained in another way; the first ones did not say."""
    before = _way(replace(run.recipe, taught=0.0, settling=0.0), None) if saved is None else saved
    if not torch.equal(before, _way(run.recipe, run.teacher)):
        raise CheckpointUnusable("The checkpoint cannot be used: another recipe or teacher made it.")


def _way(recipe: Recipe, teacher: TeacherNetwork | None) -> Tensor:
    """A digest, uint8 (32,), of what makes a run differ from one with all defaults, and of its teacher.

    So it stays as it is when a later release adds something to recipes; nor does it tell that a default was changed.
    """
    defaults = {field.name: field.default for field in fields(recipe)}
    told = {name: value for name, value in asdict(recipe).items() if value != defaults.get(name)}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    if teacher is not None:
        digest.update(save({name: tensor.cpu().contiguous() for name, tensor in teacher.state_dict().items()}))
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


def _position(run: TrainingRun) -> dict[str, Tensor]:
    return {
        "way": _way(run.recipe, run.teacher),
        "step": torch.tensor(run.step),
        "threads": torch.tensor(run.threads),
        "loss_sum": run.loss_sum.cpu(),
    }


def _tensors(run: TrainingRun) -> dict[str, Tensor]:
    tensors = {f"network.{name}": tensor for name, tensor in run.network.state_dict().items()}
    if run.average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in run.average.state_dict().items()}
    for name, parameter in run.network.named_parameters():
        if "momentum_buffer" in run.optimizer.state[parameter]:
            tensors[f"momentum.{name}"] = run.optimizer.state[parameter]["momentum_buffer"]
    return tensors


def _prepare_momentum(run: TrainingRun) -> None:
    if run.step:
        for parameter in run.network.parameters():
            run.optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
