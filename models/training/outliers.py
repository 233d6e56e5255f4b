"""Pictures of no digit for outlier exposure (Hendrycks et al. 2019): letters, pairs and overlays of digits, blots.

The network learns to give all ten digits the same probability for them, so that its confidence detects them.
"""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from models.recipes import Recipe
from models.training.augmentation import augment

# Signs that do not look like digits: no B D G I O Q S T Z, no b d f g i j l o q r s y z, no single stroke like 1.
SIGNS = "ACEFHKLMNPRUVWXYacehkmnptuvwx#%&*+=<>@$ΔΛΣΦΨΩαβπЖДЮ"
FONTS = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Italic")
LETTER_AUGMENTATION = Recipe(
    epochs=1, batch_size=1, learning_rate=1, rotation=15, scale=0.1, shift=1.5,
    slant=0.3, aspect=0.25, warp=2.5, stroke=1.0, blur=0.5, fading=0.3,
)  # fmt: skip


def draw_outliers(digits: Tensor, count: int) -> Tensor:
    """Returns `count` pictures (count, 1, 28, 28) in 0..1 of no digit, some made from `digits` (n, 1, 28, 28) in 0..1.

    Random numbers come from torch's global generator on the digits' device.
    """
    if not count:
        return digits[:0]
    letters, pairs, overlays = max(1, count // 2), count // 6, count // 6
    signs = _signs_on(digits.device)
    chosen = signs[torch.randint(len(signs), (letters,), device=digits.device)].float() / 255
    parts = [augment(chosen, LETTER_AUGMENTATION), _pair(digits, pairs), _overlay(digits, overlays)]
    parts.append(_draw_blots(count - sum(map(len, parts)), digits.device))
    return torch.cat(parts)


@cache
def _draw_signs() -> Tensor:
    """Returns every sign in every font, uint8 (signs, 1, 28, 28): the longer side 20 pixels, in the middle."""
    fonts = [Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf") for name in FONTS]
    pictures = [_draw_sign(ImageFont.truetype(str(font), 80), sign) for font in fonts for sign in SIGNS]
    return torch.from_numpy(np.stack(pictures)[:, None])


@cache
def _signs_on(device: torch.device) -> Tensor:
    return _draw_signs().to(device)


def _draw_sign(font: ImageFont.FreeTypeFont, sign: str) -> np.ndarray:
    canvas = Image.new("L", (200, 200))
    ImageDraw.Draw(canvas).text((50, 40), sign, 255, font)
    ink = canvas.crop(canvas.getbbox())
    scale = 20 / max(ink.size)
    ink = ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))), Image.Resampling.BOX)
    picture = Image.new("L", (28, 28))
    picture.paste(ink, ((28 - ink.width) // 2, (28 - ink.height) // 2))
    return np.asarray(picture)


def _pair(digits: Tensor, count: int) -> Tensor:
    """Returns pictures of two digits side by side, each at 0.6 of its size."""
    beside = torch.cat([digits[:count, :, :, 4:24], digits[count : 2 * count, :, :, 4:24]], dim=3)
    small = nn.functional.interpolate(beside, size=(16, 26), mode="bilinear", antialias=True)
    return nn.functional.pad(small, (1, 1, 6, 6))


def _overlay(digits: Tensor, count: int) -> Tensor:
    """Returns pictures of a digit over another one that is transposed."""
    last = digits.flip(0)
    return torch.maximum(last[:count], last[count : 2 * count].transpose(2, 3))


def _draw_blots(count: int, device: torch.device) -> Tensor:
    """Returns smooth random shapes, from large blots to single pixels."""
    pictures = torch.empty(count, 1, 28, 28, device=device)
    for number in range(count):
        side = (4, 6, 9, 28)[number % 4]
        rough = nn.functional.interpolate(torch.randn(1, 1, side, side, device=device), size=(28, 28), mode="bicubic")
        pictures[number] = (rough[0] * 1.5 - 0.7).clamp(0, 1)  # ink on about a fifth of the picture, as for a digit
    return pictures
