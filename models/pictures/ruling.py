"""Removes the lines of ruled and squared paper from the ink, and keeps the strokes that cross them."""

import numpy as np
from scipy import ndimage

from models.arrays import Floats

MIN_RUN_SHARE = 0.15  # of the picture: the unbroken runs of a line; so short that it may lean by a few degrees
MIN_SPAN_SHARE = 0.5  # of the picture: a line is at least this long, and ends at the picture's edge on one side
MAX_THICKNESS_SHARE = 0.03  # of the picture: broader runs are not lines
MIN_STROKE_RATIO = 1.35  # ink this much stronger than the line is a stroke that crosses it or lies along it


def remove_ruling(strength: Floats, threshold: float, full_strength: float) -> Floats:
    """The strength (height, width) in 0..255 without lines above `threshold`; the same array if there are none.

    Fewer than three parallel lines are removed only if they are weaker than half of `full_strength`, the digit's: they
    may be its strokes.
    """
    across = _line_strength(strength, threshold, full_strength)
    down = _line_strength(strength.T, threshold, full_strength).T
    if not across.any() and not down.any():
        return strength
    cleaned = np.where(strength > MIN_STROKE_RATIO * np.maximum(across, down), strength, 0)
    for lines, size in ((across, (9, 1)), (down, (1, 9))):  # bridge the strokes where the line was as dark as they are
        if lines.any():
            cleaned = np.where(lines > 0, np.maximum(cleaned, ndimage.grey_closing(cleaned, size)), cleaned)
    return cleaned if (cleaned > threshold).any() else strength


def _line_strength(strength: Floats, threshold: float, full_strength: float) -> Floats:
    """The strength (height, width) of the lines that run from left to right; 0 elsewhere."""
    height, width = strength.shape
    run = max(8, round(MIN_RUN_SHARE * width))
    smooth = ndimage.uniform_filter1d(strength, max(3, run // 8), axis=1)
    broad = ndimage.maximum_filter1d(smooth, 3, axis=0)  # so that a line may step to the next row
    level = ndimage.maximum_filter1d(ndimage.minimum_filter1d(broad, run, axis=1), run, axis=1)
    labels, count = ndimage.label(level > 0.7 * threshold, np.ones((3, 3), bool))
    strengths = np.zeros(count + 1, np.float32)  # of each label; 0 if it is not a line
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        run_pixels = labels[rows, columns] == number
        span = columns.stop - columns.start
        is_thin = run_pixels.sum() / span - 2 < max(3.0, MAX_THICKNESS_SHARE * height)
        is_at_edge = columns.start <= run // 8 or columns.stop >= width - run // 8
        if is_thin and is_at_edge and span > MIN_SPAN_SHARE * width:
            # the quartile, because a stroke of the digit may lie along part of the line
            strengths[number] = np.percentile((level[rows, columns] * run_pixels).max(axis=0), 25)
    if np.count_nonzero(strengths) < 3:
        strengths[strengths > 0.5 * full_strength] = 0
    lines: Floats = strengths[labels]
    return lines
