"""Random augmentation of batches of pictures: as other hands, pens and cameras would have made them.

All random numbers are drawn on the pictures' device from torch's global generator: on a GPU nothing waits for the host.
"""

import math
from functools import cache

import torch
from torch import Tensor, nn

from models.recipes import Recipe

UNCHANGED = 0.6  # share of the pictures that each change of the ink leaves as they are
INK_SIDE = 20  # pixels of a digit's longer side
MIN_INK = 0.2  # of a pixel in 0..1 that belongs to the digit's box
COARSE_SIDES = (10, 18)  # pixels: 10 leaves a digit 7 of them


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
    if recipe.squeeze:
        last_row = torch.zeros(count, 1, 3, device=device)  # of a map in homogeneous coordinates: 0 0 1
        last_row[:, :, 2] = 1
        maps = torch.bmm(_squeeze(pixels, recipe.squeeze), torch.cat([maps, last_row], dim=1))
    grid = nn.functional.affine_grid(maps, list(pixels.shape), align_corners=False)
    if recipe.warp:
        bends = _uniform(device, count, 2, 4, 4) * (recipe.warp / 14)
        smooth = nn.functional.interpolate(bends, size=(28, 28), mode="bilinear", align_corners=True)
        grid = grid + smooth.permute(0, 2, 3, 1)
    return nn.functional.grid_sample(pixels, grid, align_corners=False)


def _squeeze(pixels: Tensor, share: float) -> Tensor:
    """Returns the maps (batch, 2, 3) that stretch the shorter side of a share of the digits towards the longer one."""
    count, device = len(pixels), pixels.device
    maps = torch.zeros(count, 2, 3, device=device)
    amount = torch.rand(count, device=device) * (torch.rand(count, device=device) < share)
    for axis in (0, 1):  # x, y
        has_ink = (pixels[:, 0] > MIN_INK).any(dim=1 + axis)
        first, last = has_ink.int().argmax(dim=1), 27 - has_ink.flip(1).int().argmax(dim=1)
        narrowing = ((last - first + 1) / INK_SIDE).clamp(0.25, 1) ** amount
        maps[:, axis, axis] = narrowing
        maps[:, axis, 2] = (1 - narrowing) * ((first + last) / 2 - 13.5) / 14
    return maps


def _change_ink(pixels: Tensor, recipe: Recipe) -> Tensor:
    """Broaden or thin the strokes, blur, fade and add noise, each to 40 % of the pictures."""
    count, device = len(pixels), pixels.device
    if recipe.stroke:
        width = _keep_some(_uniform(device, count, 1, 1, 1)) * recipe.stroke
        broad = nn.functional.max_pool2d(pixels, 3, 1, 1)
        fine = -nn.functional.max_pool2d(-pixels, 3, 1, 1)
        pixels = pixels + width.clamp(min=0) * (broad - pixels) + width.clamp(max=0) * (pixels - fine)
    if recipe.coarse:
        pixels = _coarsen(pixels, recipe.coarse)
    if recipe.blur:
        amount = _keep_some(_uniform(device, count, 1, 1, 1)).abs() * recipe.blur
        pixels = torch.lerp(pixels, nn.functional.avg_pool2d(pixels, 3, 1, 1), amount)
    if recipe.fading:
        pixels = pixels * (1 - _keep_some(_uniform(device, count, 1, 1, 1)).abs() * recipe.fading)
    if recipe.noise:
        grain = torch.randn(pixels.shape, device=device)
        grain = grain * _keep_some(_uniform(device, count, 1, 1, 1)).abs() * recipe.noise
        pixels = (pixels + grain).clamp(0, 1)
    return pixels


def _coarsen(pixels: Tensor, share: float) -> Tensor:
    """Reduce a share of the pictures to one size, between COARSE_SIDES, and enlarge them again."""
    device = pixels.device
    side = torch.randint(COARSE_SIDES[0], COARSE_SIDES[1] + 1, (), device=device)
    is_coarse = torch.rand(len(pixels), device=device) < share
    # The host cannot read the size from a GPU without waiting for it.
    coarse = _resample(pixels, int(side)) if device.type == "cpu" else _resample_by_matrix(pixels, side)
    return torch.where(is_coarse[:, None, None, None], coarse, pixels)


def _resample(pixels: Tensor, side: int) -> Tensor:
    small = nn.functional.interpolate(pixels, size=(side, side), mode="area")
    return nn.functional.interpolate(small, size=(28, 28), mode="bilinear", align_corners=False)


def _resample_by_matrix(pixels: Tensor, side: Tensor) -> Tensor:
    """Returns what `_resample` does but for rounding, for a side that is in a tensor () of the pictures' device."""
    matrix = _resampling_matrices(pixels.device)[side - COARSE_SIDES[0]]
    return matrix.T @ pixels @ matrix


@cache
def _resampling_matrices(device: torch.device) -> Tensor:
    """Returns for each side the matrix (28, 28) that reduces a row of pixels to it and enlarges the row again."""
    rows = torch.eye(28)[None]  # (1, 28, 28): each row has one bright pixel
    matrices = []
    for side in range(COARSE_SIDES[0], COARSE_SIDES[1] + 1):
        small = nn.functional.interpolate(rows, size=side, mode="area")
        matrices.append(nn.functional.interpolate(small, size=28, mode="linear", align_corners=False)[0])
    return torch.stack(matrices).to(device)


def _uniform(device: torch.device, *shape: int) -> Tensor:
    """Returns random numbers, uniform in -1..1."""
    return torch.rand(shape, device=device) * 2 - 1


def _keep_some(amounts: Tensor) -> Tensor:
    """Returns 60 % of the amounts as zero, the others uniform in -1..1 again."""
    return amounts.sign() * (amounts.abs() - UNCHANGED).clamp(min=0) / (1 - UNCHANGED)
