"""Random fields that the elements of a scene are made of."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float32]


def smooth_noise(shape: tuple[int, int], scale: float | tuple[float, float], random: np.random.Generator) -> Field:
    """Smooth noise (height, width) in 0..1 whose hills are about `scale` pixels apart: (vertical, horizontal) or both.

    Its values are spread evenly around 0.5.
    """
    vertical, horizontal = scale if isinstance(scale, tuple) else (scale, scale)
    height, width = shape
    rows, columns = (
        max(2, round(side / max(step, 1.0)) + 2) for side, step in ((height, vertical), (width, horizontal))
    )
    grid = Image.fromarray(random.random((min(rows, height + 2), min(columns, width + 2)), dtype=np.float32))
    field: Field = np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    return field.clip(0, 1)


def grain(shape: tuple[int, ...], strength: float, random: np.random.Generator) -> Field:
    """Independent noise of this shape around zero with the standard deviation `strength`."""
    return random.standard_normal(shape, dtype=np.float32) * np.float32(strength)
