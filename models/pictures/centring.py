"""A digit's ink to 28x28 as MNIST was made: strokes about three pixels broad, 20 pixels long, its centre of mass in
the middle."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.pictures.decoding import Grey

FINE_SIDE = 80  # where strokes are measured: four pixels for each of the 20
MARGIN = FINE_SIDE // 5  # for strokes that are drawn broader
THIN, THICK = 2.4, 4.2  # of MNIST's strokes 90 % are 2.1 to 4.15 pixels broad, the median is 3
THICKENED, THINNED = 2.7, 3.8


def centre(ink: Grey) -> tuple[NDArray[np.uint8], float, tuple[int, int]]:
    """Ink 0..1, cut out, as a 28x28 picture; the scale, and the shift (x, y) from where its box would be centred."""
    scale = 20 / max(ink.shape)
    fine = resize(ink, FINE_SIDE / max(ink.shape))
    padded = np.pad(fine, MARGIN)
    even = even_strokes(padded, max(fine.shape))
    even = fine if even is padded else crop(even)[0]
    small = resize(even, 20 / max(even.shape))
    small = small * (255 / small.max())
    height, width = small.shape
    mass = small.sum()
    x = float((small.sum(axis=0) * np.arange(width)).sum() / mass)
    y = float((small.sum(axis=1) * np.arange(height)).sum() / mass)
    left = int(np.clip(round(13.5 - x), 0, 28 - width))
    top = int(np.clip(round(13.5 - y), 0, 28 - height))
    field = np.zeros((28, 28), np.uint8)
    field[top : top + height, left : left + width] = small.round()
    return field, scale, (left - (28 - width) // 2, top - (28 - height) // 2)


def even_strokes(ink: Grey, side: int) -> Grey:
    """Hairlines drawn broader, a marker's strokes finer: all parts within a distance of the ink's edge.

    `ink` has a margin all around, `side` is a digit's length in pixels. The same array where strokes are as MNIST's.
    """
    inside = ink > 0.4
    if not inside.any():
        return ink
    depth = ndimage.distance_transform_edt(inside)
    breadth = 4 * float(depth[inside].mean())  # of a strip: the mean distance from its edges is a quarter of it
    unit = side / 20
    if THIN <= breadth / unit <= THICK:
        return ink
    wanted = THICKENED if breadth < THIN * unit else THINNED
    # the box grows with its strokes and is scaled to 20 again: (breadth + 2 r) / (side + 2 r) = wanted / 20
    reach = (wanted * side - 20 * breadth) / (2 * (20 - wanted))
    outside = ndimage.distance_transform_edt(~inside)
    even: Grey = np.clip(np.where(inside, depth - 0.5, 0.5 - outside) + reach + 0.5, 0, 1).astype(np.float32)
    return even


def crop(ink: Grey) -> tuple[Grey, int, int]:
    """The part that carries ink, and its left and top edge. There must be some ink."""
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.1), np.flatnonzero(ink.max(axis=0) > 0.1)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], int(columns[0]), int(rows[0])


def resize(ink: Grey, scale: float) -> Grey:
    height, width = ink.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    resized: Grey = np.clip(np.asarray(Image.fromarray(ink).resize(size, method)), 0, 1)
    return resized
