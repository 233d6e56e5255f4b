"""Small pictures side by side, each with a caption."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.figures.colors import Theme
from models.figures.figure import Drawing, new_figure

COLUMNS = 5


def draw_sheet(pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str], *, title: str, theme: Theme) -> Drawing:
    """Draws pictures (height, width) in 0..255 in rows of five."""
    rows = -(-len(pictures) // COLUMNS)
    figure = new_figure(1.6 * COLUMNS, 1.75 * rows + 0.4)
    figure.suptitle(title, fontsize=8, color=theme.quiet)
    cells = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for cell in cells:
        cell.axis("off")
    for cell, picture, caption in zip(cells, pictures, captions, strict=False):
        cell.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        cell.set_title(caption, fontsize=7)
    return Drawing(figure, title, "; ".join(captions))
