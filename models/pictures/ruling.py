"""Ruled and squared paper: lines across the page are taken out of the ink, the strokes that they cross stay."""

import numpy as np
from scipy import ndimage

from models.pictures.decoding import Grey

RUN = 0.15  # of the page: a line is at least this long without a break; so it may lean by a few degrees
SPAN = 0.5  # of the page: a line runs at least this far, to the picture's edge on one side
DARKER = 1.35  # ink this much stronger than a line is a stroke that crosses it or lies along it
THIN = 0.03  # of the page: and is no broader than this


def without_lines(strength: Grey, least: float, full: float) -> Grey:
    """The strength of the ink (0..255) without lines stronger than `least`; the same array where there are none.

    A single line is taken out only where it is weaker than half of `full`, the digit's ink: it may be a part of it.
    """
    across = _lines(strength, least, full)
    down = _lines(strength.T, least, full).T
    if not across.any() and not down.any():
        return strength
    bare = np.where(strength > DARKER * np.maximum(across, down), strength, 0)
    for lines, size in ((across, (9, 1)), (down, (1, 9))):  # bridge the strokes where a line was as dark as they are
        if lines.any():
            bare = np.where(lines > 0, np.maximum(bare, ndimage.grey_closing(bare, size)), bare)
    return bare if (bare > least).any() else strength


def _lines(strength: Grey, least: float, full: float) -> Grey:
    """The strength of every line that runs across the page, zero elsewhere."""
    height, width = strength.shape
    run = max(8, round(RUN * width))
    smooth = ndimage.uniform_filter1d(strength, max(3, run // 8), axis=1)
    broad = ndimage.maximum_filter1d(smooth, 3, axis=0)  # so that a line may step to the next row
    level = ndimage.maximum_filter1d(ndimage.minimum_filter1d(broad, run, axis=1), run, axis=1)
    labels, count = ndimage.label(level > 0.7 * least, np.ones((3, 3), bool))
    usual = np.zeros(count + 1, np.float32)  # how strong each line is
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        piece = labels[rows, columns] == number
        span = columns.stop - columns.start
        is_thin = piece.sum() / span - 2 < max(3.0, THIN * height)
        is_cut = columns.start <= run // 8 or columns.stop >= width - run // 8  # by the picture's edge, as lines are
        if is_thin and is_cut and span > SPAN * width:
            # the digit's own bar may lie along the line: what counts is the strength elsewhere
            usual[number] = np.percentile((level[rows, columns] * piece).max(axis=0), 25)
    alone = np.count_nonzero(usual) < 3
    if alone:
        usual[usual > 0.5 * full] = 0
    found: Grey = usual[labels]
    return found
