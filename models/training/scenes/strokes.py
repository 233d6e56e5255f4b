"""The lines that a pen follows: drawn from points, or found in a picture of a digit."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from models.training.scenes.images import to_floats

Ink = NDArray[np.float32]
Path = NDArray[np.float64]  # points (count, 2): x, y
THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.8)
LARGEST_CANVAS = 1200  # pixels: a larger drawing is not oversampled


def draw_paths(paths: list[Path], height: int, pen: float) -> Ink:
    """Returns the ink (height, width) of lines `pen` pixels broad with round ends, scaled to be `height` tall."""
    placed, size = place(paths, height, pen)
    factor = oversampling(height)
    canvas = Image.new("L", (size[0] * factor, size[1] * factor))
    pencil = ImageDraw.Draw(canvas)
    for path in placed:
        _draw_line(pencil, path * factor, pen * factor)
    return to_ink(canvas, factor)


def place(paths: list[Path], height: int, pen: float) -> tuple[list[Path], tuple[int, int]]:
    """Scales the paths so that a pen of this breadth, in pixels, makes ink of this height; also the size they need."""
    points = np.concatenate(paths)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = max(height - pen, 1.0) / max(extent[1], 0.1)
    width = int(np.ceil(extent[0] * scale + pen))
    return [(path - low) * scale + pen / 2 for path in paths], (max(width, 1), height)


def oversampling(height: int) -> int:
    return max(1, min(4, LARGEST_CANVAS // max(height, 1)))


def to_ink(canvas: Image.Image, factor: int) -> Ink:
    reduced = canvas.reduce(factor) if factor > 1 else canvas
    return to_floats(reduced)


def _draw_line(pencil: ImageDraw.ImageDraw, path: Path, pen: float) -> None:
    points = [(float(x), float(y)) for x, y in path]
    pencil.line(points, 255, max(1, round(pen)), joint="curve")
    if pen > 2.5:
        for x, y in points:  # round ends and no cracks in sharp bends
            pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), 255)


def trace(ink: Ink) -> list[Path]:
    """The middle lines of thick strokes in ink (height, width), as paths in its pixels, smoothed."""
    skeleton = thin(_find_strokes(ndimage.zoom(ink, 2, order=1)))
    return [smooth(path) / 2 for path in _follow(skeleton)]


def _find_strokes(ink: Ink) -> NDArray[np.bool_]:
    """Where strokes are, by the threshold that leaves the most holes open and breaks no stroke in two."""
    masks = [ink > threshold for threshold in THRESHOLDS]
    whole = [mask for mask in masks if _count_parts(mask) <= _count_parts(masks[0])]
    return max(whole, key=lambda mask: _count_parts(~mask))


def _count_parts(mask: NDArray[np.bool_]) -> int:
    return int(ndimage.label(np.pad(mask, 1, mode="edge"))[1])


def thin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thins the strokes to lines of one pixel (Zhang and Suen 1984)."""
    image = np.pad(mask, 1)
    while True:
        before = image.copy()
        for first in (True, False):
            image = image & ~_removable(image, first)
        if (before == image).all():
            return image[1:-1, 1:-1]


def _removable(image: NDArray[np.bool_], first: bool) -> NDArray[np.bool_]:
    """The pixels that one of the two passes removes."""
    north, south = np.roll(image, 1, 0), np.roll(image, -1, 0)
    west, east = np.roll(image, 1, 1), np.roll(image, -1, 1)
    around = [
        north, np.roll(north, -1, 1), east, np.roll(south, -1, 1),
        south, np.roll(south, 1, 1), west, np.roll(north, 1, 1),
    ]  # fmt: skip
    count = sum(part.astype(np.int8) for part in around)
    changes = sum((~here & after).astype(np.int8) for here, after in zip(around, around[1:] + around[:1], strict=True))
    sides = (
        ~(north & east & south) & ~(east & south & west) if first else ~(north & east & west) & ~(north & south & west)
    )
    removable: NDArray[np.bool_] = image & (count >= 2) & (count <= 6) & (changes == 1) & sides
    return removable


def _follow(skeleton: NDArray[np.bool_]) -> list[Path]:
    """Walks along the lines of a skeleton, from ends and crossings first, until every pixel is on a path."""
    left = {(int(x), int(y)) for y, x in np.argwhere(skeleton)}
    everything = frozenset(left)
    paths: list[Path] = []
    for start in sorted(everything, key=lambda point: len(_neighbours(point, everything))):
        if start not in left:
            continue
        path = [*[point for point in _neighbours(start, everything) if point not in left][:1], start]
        left.remove(start)
        while following := _neighbours(path[-1], left):
            path.append(following[0])
            left.remove(following[0])
        path += [point for point in _neighbours(path[-1], everything) if point not in path[-3:]][:1]
        paths.append(np.array(path if len(path) > 1 else path * 2, np.float64))
    return paths


STEPS = ((0, -1), (1, 0), (0, 1), (-1, 0), (1, -1), (1, 1), (-1, 1), (-1, -1))  # straight ones first


def _neighbours(
    point: tuple[int, int], pixels: set[tuple[int, int]] | frozenset[tuple[int, int]]
) -> list[tuple[int, int]]:
    around = ((point[0] + x, point[1] + y) for x, y in STEPS)
    return [other for other in around if other in pixels]


def smooth(path: Path) -> Path:
    """The path without the steps of the pixels; its ends stay."""
    if len(path) < 4:
        return path
    smoothed: Path = ndimage.gaussian_filter1d(path, 1.5, axis=0)
    smoothed[0], smoothed[-1] = path[0], path[-1]
    return smoothed
