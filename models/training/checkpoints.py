"""A training run to bytes and back, as safetensors: nothing in a checkpoint is ever executed.

A checkpoint holds the networks, the optimizer's tensors, the loss of the epoch so far, the step, the number of threads,
and the environment in which it was made, for the card of a training that ends with it. The learning rate and the random
numbers are functions of the step (schedule.py). A digest of the recipe and the teacher tells whether a run would go on
as it began, since a later release may change what a recipe's name stands for.
"""

import hashlib
import json
from dataclasses import asdict, fields

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from models.errors import CheckpointUnusable
from models.recipes import Recipe
from models.training.optimizers import buffer_names
from models.training.run import TrainingRun
from models.training.teacher import TeacherNetwork

# What these fields are called in the digest: their first names, so that checkpoints from before a renaming stay good.
DIGEST_NAMES = {
    "fading": "faintness",
    "cooldown": "settling",
    "synthetic_per_128": "drawn",
    "outliers_per_128": "outliers",
    "distillation_weight": "taught",
}
IS_BFLOAT16, ENVIRONMENT = "is_bfloat16", "environment"


def to_bytes(run: TrainingRun) -> bytes:
    """Returns everything that the run's next step depends on."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in _tensors(run).items()}
    written = json.dumps(run.environment, sort_keys=True).encode()
    return save(tensors | _position(run) | {ENVIRONMENT: torch.frombuffer(bytearray(written), dtype=torch.uint8)})


def restore(run: TrainingRun, content: bytes, *, made_by: Recipe | None = None) -> None:
    """Put a fresh run where the saved one stood. Raises CheckpointUnusable, and leaves the run as it was.

    `made_by` is the recipe of the saved run, if it may differ from that of this one.
    """
    try:
        saved = {IS_BFLOAT16: torch.tensor(False)} | load(content)  # earlier releases had float32 alone
        _require_fit(run, saved, made_by or run.recipe)
        environment = json.loads(bytes(saved[ENVIRONMENT].tolist())) if ENVIRONMENT in saved else None
    except (SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise CheckpointUnusable(f"The checkpoint cannot be used: {error}.") from error
    run.steps_done, run.threads = int(saved["step"]), int(saved["threads"])
    run.restored = environment and (run.steps_done, environment)  # those of earlier releases do not say
    run.precision = "bfloat16" if saved[IS_BFLOAT16] else "float32"
    run.loss_sum.copy_(saved["loss_sum"])
    if run.steps_done:
        for parameter in run.network.parameters():
            buffers = {name: torch.zeros_like(parameter) for name in buffer_names(run.recipe).values()}
            # AdamW counts its steps, too; a captured step reads nothing from the host
            device = parameter.device if run.captured is not None else "cpu"
            run.optimizer.state[parameter] |= buffers | {"step": torch.tensor(float(run.steps_done), device=device)}
    for name, tensor in _tensors(run).items():
        tensor.detach().copy_(saved[name])


def _require_fit(run: TrainingRun, saved: dict[str, Tensor], made_by: Recipe) -> None:
    if not torch.equal(saved["way"], _training_digest(made_by, run.teacher)):
        raise CheckpointUnusable("The checkpoint cannot be used: another recipe or teacher made it.")
    if saved["step"] > run.total_steps:
        raise CheckpointUnusable(f"The checkpoint is at step {saved['step']} of a training of {run.total_steps} steps.")
    expected = _tensors(run) | _position(run)
    if saved["step"] > 0:
        for kind in buffer_names(run.recipe):
            expected |= {f"{kind}.{name}": parameter for name, parameter in run.network.named_parameters()}
    for name, tensor in expected.items():
        if saved[name].shape != tensor.shape:
            raise ValueError(f"{name} has the shape {tuple(saved[name].shape)}, not {tuple(tensor.shape)}")


def _training_digest(recipe: Recipe, teacher: TeacherNetwork | None) -> Tensor:
    """Returns a digest, uint8 (32,), of the teacher and of the recipe's fields that are not at their defaults.

    A field that a later release adds does not change it, nor does a changed default.
    """
    defaults = {field.name: field.default for field in fields(recipe)}
    changed = {name: value for name, value in asdict(recipe).items() if value != defaults[name] and name != "precision"}
    named = {DIGEST_NAMES.get(name, name): value for name, value in changed.items()}
    digest = hashlib.sha256(json.dumps(named, sort_keys=True).encode())
    if teacher is not None:
        digest.update(save({name: tensor.cpu().contiguous() for name, tensor in teacher.state_dict().items()}))
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


def _position(run: TrainingRun) -> dict[str, Tensor]:
    return {
        "way": _training_digest(run.recipe, run.teacher),
        "step": torch.tensor(run.steps_done),
        "threads": torch.tensor(run.threads),
        IS_BFLOAT16: torch.tensor(run.precision == "bfloat16"),
        "loss_sum": run.loss_sum.cpu(),
    }


def _tensors(run: TrainingRun) -> dict[str, Tensor]:
    tensors = {f"network.{name}": tensor for name, tensor in run.network.state_dict().items()}
    if run.average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in run.average.state_dict().items()}
    for name, parameter in run.network.named_parameters():
        state = run.optimizer.state[parameter]
        tensors |= {f"{kind}.{name}": state[key] for kind, key in buffer_names(run.recipe).items() if key in state}
    return tensors
