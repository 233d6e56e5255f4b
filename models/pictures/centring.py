"""Brings the ink of a digit to 28x28 as MNIST has it: strokes about three pixels wide, 20 pixels long, its centre of
mass in the middle."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.arrays import Floats

FINE_SIDE = 80  # pixels of the digit where its strokes are measured: four for each of the 20
PADDING = 5  # room for strokes that are widened: those of one pixel are measured as four, and grow by less than four
MIN_STROKE, MAX_STROKE = 2.4, 4.2  # pixels: 90 % of MNIST's strokes are 2.1 to 4.15 wide, the median is 3
WIDENED_STROKE, THINNED_STROKE = 2.7, 3.8  # pixels
MIN_INK = 0.1  # of a row or column in 0..1 that is not cropped


def centre(ink: Floats) -> tuple[NDArray[np.uint8], float, tuple[int, int]]:
    """The cropped ink (height, width) in 0..1 as an image (28, 28) in 0..255.

    Also returns the scale, and the shift (x, y) from where the ink's box would be centred.
    """
    scale = 20 / max(ink.shape)
    fine = resize(ink, FINE_SIDE / max(ink.shape))
    padded = np.zeros((fine.shape[0] + 2 * PADDING, fine.shape[1] + 2 * PADDING), np.float32)
    padded[PADDING:-PADDING, PADDING:-PADDING] = fine
    equal = equalise_strokes(padded, max(fine.shape))
    equal = fine if equal is padded else crop(equal)[0]
    small = resize(equal, 20 / max(equal.shape))
    small = small * (255 / small.max())
    height, width = small.shape
    mass = small.sum()
    x = float((small.sum(axis=0) * np.arange(width)).sum() / mass)
    y = float((small.sum(axis=1) * np.arange(height)).sum() / mass)
    left, top = min(max(round(13.5 - x), 0), 28 - width), min(max(round(13.5 - y), 0), 28 - height)
    image = np.zeros((28, 28), np.uint8)
    image[top : top + height, left : left + width] = small.round()
    return image, scale, (left - (28 - width) // 2, top - (28 - height) // 2)


def equalise_strokes(ink: Floats, side: int) -> Floats:
    """Widen hairlines and thin the strokes of a marker, by moving the edge of the ink.

    `ink` (height, width) in 0..1 has padding on all sides, `side` is the length of its digits in pixels. Returns the
    same array if the strokes are about as wide as MNIST's.
    """
    inside = ink > 0.4
    if not inside.any():
        return ink
    depth = ndimage.distance_transform_edt(inside)
    width = 4 * float(depth[inside].mean())  # the mean distance from the edges of a strip is a quarter of its width
    unit = side / 20
    if MIN_STROKE <= width / unit <= MAX_STROKE:
        return ink
    wanted = WIDENED_STROKE if width < MIN_STROKE * unit else THINNED_STROKE
    # the box grows with its strokes and is then scaled to 20: (width + 2 growth) / (side + 2 growth) = wanted / 20
    growth = (wanted * side - 20 * width) / (2 * (20 - wanted))
    from_edge = 1 - ndimage.distance_transform_edt(~inside) if growth > 0 else depth
    equal: Floats = np.clip(from_edge + growth, 0, 1).astype(np.float32)
    return equal


def crop(ink: Floats) -> tuple[Floats, int, int]:
    """The part (height, width) that has ink, and its left and top edge. There must be some ink."""
    rows, columns = np.flatnonzero(ink.max(axis=1) > MIN_INK), np.flatnonzero(ink.max(axis=0) > MIN_INK)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], int(columns[0]), int(rows[0])


def resize(ink: Floats, scale: float) -> Floats:
    """Ink (height, width) in 0..1, `scale` times as large."""
    height, width = ink.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    resized: Floats = np.clip(np.asarray(Image.fromarray(ink).resize(size, method)), 0, 1)
    return resized
