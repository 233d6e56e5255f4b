"""What is no digit, to train against (outlier exposure, Hendrycks et al. 2019): letters, pairs of digits, blots.

The network is asked to be undecided about them, so that its confidence tells a digit from what is none.
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

# Those that hardly anybody takes for a digit: no B D G I O Q S T Z, no b d f g i j l o q r s y z, no stroke like 1.
SIGNS = "ACEFHKLMNPRUVWXYacehkmnptuvwx#%&*+=<>@$ΔΛΣΦΨΩαβπЖДЮ"
FONTS = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Italic")
HAND = Recipe(
    epochs=1, batch_size=1, learning_rate=1, rotation=15, scale=0.1, shift=1.5,
    slant=0.3, aspect=0.25, warp=2.5, stroke=1.0, blur=0.5, faintness=0.3,
)  # fmt: skip


def draw_outliers(digits: Tensor, count: int) -> Tensor:
    """`count` pictures (count, 1, 28, 28) in 0..1 of what is no digit, some of them made from `digits` (n, 1, 28, 28).

    Random numbers come from torch's global generator.
    """
    if not count:
        return digits[:0]
    letters, pairs, halves = max(1, count // 2), count // 6, count // 6
    bank = _letters()
    written = bank[torch.randint(len(bank), (letters,))].to(digits.device).float() / 255
    parts = [augment(written, HAND), _pair(digits, pairs), _cross(digits, halves)]
    parts.append(_blots(count - sum(map(len, parts)), digits.device))
    return torch.cat(parts)


@cache
def _letters() -> Tensor:
    """Every sign in every font, uint8 (signs, 1, 28, 28), 20 pixels long and in the middle."""
    fonts = [Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf") for name in FONTS]
    pictures = [_letter(ImageFont.truetype(str(font), 80), sign) for font in fonts for sign in SIGNS]
    return torch.from_numpy(np.stack(pictures)[:, None])


def _letter(font: ImageFont.FreeTypeFont, sign: str) -> np.ndarray:
    page = Image.new("L", (200, 200))
    ImageDraw.Draw(page).text((50, 40), sign, 255, font)
    ink = page.crop(page.getbbox())
    scale = 20 / max(ink.size)
    ink = ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))), Image.Resampling.BOX)
    field = Image.new("L", (28, 28))
    field.paste(ink, ((28 - ink.width) // 2, (28 - ink.height) // 2))
    return np.asarray(field)


def _pair(digits: Tensor, count: int) -> Tensor:
    """Two digits side by side at half their size."""
    beside = torch.cat([digits[:count, :, :, 4:24], digits[count : 2 * count, :, :, 4:24]], dim=3)
    small = nn.functional.interpolate(beside, size=(16, 26), mode="bilinear", antialias=True)
    return nn.functional.pad(small, (1, 1, 6, 6))


def _cross(digits: Tensor, count: int) -> Tensor:
    """A digit over another that lies on its side."""
    last = digits.flip(0)
    return torch.maximum(last[:count], last[count : 2 * count].transpose(2, 3))


def _blots(count: int, device: torch.device) -> Tensor:
    """Smooth shapes and grain, from large blots to single pixels."""
    pictures = torch.empty(count, 1, 28, 28)
    for number in range(count):
        side = (4, 6, 9, 28)[number % 4]
        rough = nn.functional.interpolate(torch.randn(1, 1, side, side), size=(28, 28), mode="bicubic")
        pictures[number] = (rough[0] * 1.5 - 0.7).clamp(0, 1)  # about a fifth of it is ink, as of a digit
    return pictures.to(device)
