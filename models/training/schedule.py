"""What depends on the number of a step alone: its learning rate and its seed."""

import math

from models.recipes import Recipe


def learning_rate(recipe: Recipe, step: int, total_steps: int) -> float:
    """Returns the learning rate of step `step` (from 0) under the recipe's schedule."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    peak = recipe.warmup * total_steps
    done = step + 0.5  # the middle of the step: at its ends, the first or the last step would have a rate of zero
    if done < peak:
        return recipe.learning_rate * (done / peak)
    left = (total_steps - done) / (total_steps - peak)
    return recipe.learning_rate * (left if recipe.schedule == "one_cycle" else (1 - math.cos(math.pi * left)) / 2)


def mix_seed(seed: int, number: int) -> int:
    """Returns one 63-bit seed made of two numbers (the finaliser of splitmix64, Steele et al. 2014)."""
    z = (seed * 0x9E3779B97F4A7C15 + number + 1) * 0x9E3779B97F4A7C15 & (2**64 - 1)
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & (2**64 - 1)
    z = (z ^ z >> 27) * 0x94D049BB133111EB & (2**64 - 1)
    return (z ^ z >> 31) >> 1
