"""Synthetic digits: drawn in shapes and with pens that are rare in MNIST, printed, and of seven-segment displays."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.pictures.centring import centre
from models.training.scenes.pens import STYLES, outline_digit
from models.training.scenes.printing import printed_digit, seven_segment_digit
from models.training.scenes.strokes import Ink

PICTURES_PER_DIGIT = 300  # pictures of each digit in a training; augmentation varies them
HEIGHT = 64  # pixels, in which a digit is drawn before it is brought to 28x28
STYLE_SHARES = (0.46, 0.2, 0.06, 0.04, 0.08, 0.03, 0.03, 0.05, 0.05)  # of STYLES
DRAWN, PRINTED = 0.7, 0.2  # shares; the rest are of seven-segment displays
SQUEEZED = 0.15  # share that is stretched to a square


@cache
def draw_digits(each: int) -> tuple[Tensor, Tensor]:
    """Returns `each` pictures of every digit, uint8 (10 * each, 1, 28, 28), always the same, and their labels."""
    random = np.random.default_rng(0)
    pictures = [_draw(digit, random) for digit in range(10) for _ in range(each)]
    return torch.from_numpy(np.stack(pictures)[:, None]), torch.arange(10).repeat_interleave(each)


def _draw(digit: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Returns a picture (28, 28) as `normalise` would make it of the digit."""
    ink = _draw_ink(digit, random)
    if random.random() < SQUEEZED:
        ink = np.asarray(Image.fromarray(ink).resize((HEIGHT, HEIGHT), Image.Resampling.BILINEAR))
    return centre(np.pad(ink, 1))[0]


def _draw_ink(digit: int, random: np.random.Generator) -> Ink:
    kind = random.random()
    if kind < DRAWN:
        return outline_digit(digit, HEIGHT, random, str(random.choice(STYLES, p=STYLE_SHARES)))
    if kind < DRAWN + PRINTED:
        return printed_digit(digit, HEIGHT, random, hollow=random.random() < 0.15)
    return seven_segment_digit(digit, HEIGHT, random)
