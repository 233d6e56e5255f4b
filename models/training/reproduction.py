"""Compares a training with the card of an earlier one, which it repeats."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from models.errors import ModelError
from models.recipes import Recipe
from models.training.checkpoints import DIGEST_NAMES
from models.training.run import Epoch

ENVIRONMENT = ("commit", "libraries", "cpu", "gpu", "device", "threads", "precision", "dataset", "teacher")
OLD_NAMES = {old: new for new, old in DIGEST_NAMES.items()}  # in cards from before a renaming


class NotReproducible(ModelError):
    """Raised if a card does not say enough to train its version again."""


class WeightsDiffer(ModelError):
    """Raised, and caught by who started the training, at the first epoch that ends with other weights."""

    def __init__(self, epoch: Epoch, expected: Mapping[str, Any]) -> None:
        super().__init__(f"Epoch {epoch.epoch} ended with other weights than the card says.")
        self.epoch, self.expected = epoch, expected


def recipe_of(card: Mapping[str, Any]) -> Recipe:
    """Returns the recipe with which a version was trained, whatever its name stands for now. Raises NotReproducible."""
    named = {OLD_NAMES.get(name, name): value for name, value in card["recipe"].items() if name != "name"}
    unknown = sorted(named.keys() - {field.name for field in fields(Recipe)})
    if unknown:
        raise NotReproducible(f"The recipe in the card has {', '.join(unknown)}, which this release does not know.")
    return Recipe(**named)


def has_epoch_digests(card: Mapping[str, Any]) -> bool:
    """Whether the card says with which weights every epoch ended; those of older releases do not."""
    return all("weights_sha256" in epoch for epoch in card["epochs"]) and len(card["epochs"]) > 0


def require_same_epoch(epoch: Epoch, card: Mapping[str, Any]) -> None:
    """Raise WeightsDiffer if the epoch ended with other weights than the card says."""
    if not has_epoch_digests(card):
        return
    expected = card["epochs"][epoch.epoch - 1]
    if expected["weights_sha256"] != epoch.weights_sha256:
        raise WeightsDiffer(epoch, expected)


def find_differences(card: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns in what the environment differs from the card's: {what, then, now}; `then` is None if it does not say."""
    before, after = _flatten(card), _flatten(now)
    names = [name for name in after if before.get(name) != after[name]]
    return [{"what": name, "then": before.get(name), "now": after[name]} for name in names]


def _flatten(facts: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name in ENVIRONMENT:
        value = facts.get(name)
        flat |= {f"{name}.{key}": part for key, part in value.items()} if isinstance(value, dict) else {name: value}
    return flat
