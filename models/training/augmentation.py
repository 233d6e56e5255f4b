"""Random augmentation of batches of pictures: as other hands, pens and cameras would have made them.

All random numbers are drawn on the CPU from torch's global generator, so they are the same on every device.
"""

import math

import torch
from torch import Tensor, nn

from models.recipes import Recipe

UNCHANGED = 0.6  # share of the pictures that each change of the ink leaves as they are


def augment(pixels: Tensor, recipe: Recipe) -> Tensor:
    """Returns the pictures (batch, 1, 28, 28) in 0..1 with random changes, each within the bounds of the recipe."""
    return _change_ink(_transform(pixels, recipe), recipe)


def _transform(pixels: Tensor, recipe: Recipe) -> Tensor:
    """Rotate, scale, shift, slant, stretch and warp each picture, with bilinear sampling."""
    count, device = len(pixels), pixels.device
    amounts = _uniform(device, 4, count)
    angle = amounts[0] * math.radians(recipe.rotation)
    zoom = 1 + amounts[1] * recipe.scale
    maps = torch.empty(count, 2, 3, device=device)
    maps[:, 0, 0] = maps[:, 1, 1] = torch.cos(angle) / zoom
    maps[:, 0, 1] = -torch.sin(angle) / zoom
    maps[:, 1, 0] = torch.sin(angle) / zoom
    maps[:, :, 2] = amounts[2:].T * (recipe.shift / 14)  # in units of half the picture
    if recipe.slant or recipe.aspect:
        slant, aspect = _uniform(device, 2, count)
        maps[:, 0, 1] += slant * recipe.slant
        maps[:, 0] *= (1 + aspect * recipe.aspect)[:, None]
        maps[:, 1] /= (1 + aspect * recipe.aspect)[:, None]
    grid = nn.functional.affine_grid(maps, list(pixels.shape), align_corners=False)
    if recipe.warp:
        bends = _uniform(device, count, 2, 4, 4) * (recipe.warp / 14)
        smooth = nn.functional.interpolate(bends, size=(28, 28), mode="bilinear", align_corners=True)
        grid = grid + smooth.permute(0, 2, 3, 1)
    return nn.functional.grid_sample(pixels, grid, align_corners=False)


def _change_ink(pixels: Tensor, recipe: Recipe) -> Tensor:
    """Broaden or thin the strokes, blur, fade and add noise, each to 40 % of the pictures."""
    count, device = len(pixels), pixels.device
    if recipe.stroke:
        width = _keep_some(_uniform(device, count, 1, 1, 1)) * recipe.stroke
        broad = nn.functional.max_pool2d(pixels, 3, 1, 1)
        fine = -nn.functional.max_pool2d(-pixels, 3, 1, 1)
        pixels = pixels + width.clamp(min=0) * (broad - pixels) + width.clamp(max=0) * (pixels - fine)
    if recipe.blur:
        amount = _keep_some(_uniform(device, count, 1, 1, 1)).abs() * recipe.blur
        pixels = torch.lerp(pixels, nn.functional.avg_pool2d(pixels, 3, 1, 1), amount)
    if recipe.fading:
        pixels = pixels * (1 - _keep_some(_uniform(device, count, 1, 1, 1)).abs() * recipe.fading)
    if recipe.noise:
        grain = torch.randn(pixels.shape).to(device) * _keep_some(_uniform(device, count, 1, 1, 1)).abs() * recipe.noise
        pixels = (pixels + grain).clamp(0, 1)
    return pixels


def _uniform(device: torch.device, *shape: int) -> Tensor:
    """Returns random numbers, uniform in -1..1."""
    return (torch.rand(shape) * 2 - 1).to(device)


def _keep_some(amounts: Tensor) -> Tensor:
    """Returns 60 % of the amounts as zero, the others uniform in -1..1 again."""
    return amounts.sign() * (amounts.abs() - UNCHANGED).clamp(min=0) / (1 - UNCHANGED)
