"""Glyphs of digits as ink coverage, float32 (height, width) in 0..1, cropped to the ink, about `height` pixels tall."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from models.training.scenes.geometric import geometric_paths
from models.training.scenes.noise import smooth_noise
from models.training.scenes.outlines import OUTLINES, curve
from models.training.scenes.strokes import Ink, Path, draw_paths, oversampling, place, to_ink, trace

STYLES = ("pen", "marker", "hairline", "pencil", "chalk", "dotted", "dashed", "double", "outlined")
LINE_STYLES = ("hairline", "dotted", "dashed", "double")  # drawn along the middle of a digit's strokes
WORKING_HEIGHT = 80  # pixels, at which the distance to a stroke's edge is measured
AMBIGUOUS = {(1, 4)}  # outlines that people cannot tell from another digit: a 1 like a cane is also a 7
GEOMETRIC_SHARE = 1 / 6  # of the digits that are drawn along outlines
FAINTEST = 0.08  # coverage that still belongs to the ink's box


def mnist_digit(
    image: NDArray[np.uint8], height: int, random: np.random.Generator, style: str = "pen", broadening: float = 0.0
) -> Ink:
    """A digit of MNIST, uint8 (28, 28), enlarged or reduced, with crisp edges.

    `broadening` is the share of the height by which each edge of a stroke moves out, or in where it is negative:
    -0.04 to 0.08. A marker is broadened until its holes are nearly closed.
    """
    source = crop(image.astype(np.float32) * np.float32(1 / 255))
    if style in LINE_STYLES:
        return _draw_style(trace(np.pad(source, 2)), height, random, style)
    if style == "outlined":
        return _finish(_hollow(_edge_distance(source), height, random), random, style)
    if style == "marker":
        broadening = random.uniform(0.75, 0.92) * _room(source)
    if style == "pencil" and not broadening:
        broadening = random.uniform(-0.035, 0.0)
    if broadening:
        return _finish(_at_height(_edge_distance(source) + broadening * WORKING_HEIGHT, height), random, style)
    return _finish(enlarge(source, height), random, style)


def outline_digit(digit: int, height: int, random: np.random.Generator, style: str = "pen") -> Ink:
    """A digit drawn along a randomly bent, slanted and stretched outline; one in six of straight lines and arcs."""
    make_paths = geometric_paths if random.random() < GEOMETRIC_SHARE else outline_paths
    return _draw_style(make_paths(digit, random), height, random, style)


def outline_paths(digit: int, random: np.random.Generator) -> list[Path]:
    """The lines of one of the digit's outlines, randomly bent, slanted and stretched, about one unit tall."""
    forms = [form for number, form in enumerate(OUTLINES[digit]) if (digit, number) not in AMBIGUOUS]
    outline = forms[int(random.integers(len(forms)))]
    slant, width, bend = random.uniform(-0.25, 0.25), random.uniform(0.45, 0.95), random.uniform(0.0, 0.045)
    moved = [np.array(stroke) + random.normal(0, bend, (len(stroke), 2)) for stroke in outline]
    return [curve(points @ np.array([[width, 0], [-slant, 1]])) for points in moved]


def crop(ink: Ink) -> Ink:
    """Cuts the ink out along its box."""
    rows, columns = (np.flatnonzero((ink > FAINTEST).any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return ink
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _draw_style(paths: list[Path], height: int, random: np.random.Generator, style: str) -> Ink:
    """Draws the paths with one of STYLES."""
    if style == "hairline":
        return crop(draw_paths(paths, height, min(int(random.integers(1, 4)), max(1, height // 12))))
    low, high = {"marker": (0.17, 0.23), "pencil": (0.025, 0.06), "dotted": (0.05, 0.09), "dashed": (0.04, 0.08)}.get(
        style, (0.05, 0.13)
    )
    pen = max(1.0, random.uniform(low, high) * height)
    if style in ("dotted", "dashed"):
        return crop(_draw_broken(paths, height, pen, random, is_dotted=style == "dotted"))
    if style == "double":
        return crop(_draw_twice(paths, height, max(1.0, 0.4 * pen), random))
    if style == "outlined":
        broad = draw_paths(paths, WORKING_HEIGHT, random.uniform(0.16, 0.22) * WORKING_HEIGHT)
        return crop(_hollow(_edge_distance(broad), height, random))
    return _finish(draw_paths(paths, height, pen), random, style)


def _finish(ink: Ink, random: np.random.Generator, style: str) -> Ink:
    """Wears the ink as a pencil or a chalk does."""
    if style == "pencil":
        ink = ink * (random.uniform(0.45, 0.75) + 0.5 * (smooth_noise(ink.shape, 1.5, random) - 0.5))
    if style == "chalk":
        size = max(1.0, ink.shape[0] * random.uniform(0.008, 0.03))
        holes = smooth_noise(ink.shape, size, random) - random.uniform(0.2, 0.38)
        ink = ink * np.clip(0.2 + 5 * holes, 0.0, 1)
    return crop(np.clip(ink, 0, 1).astype(np.float32))


def _draw_broken(paths: list[Path], height: int, pen: float, random: np.random.Generator, *, is_dotted: bool) -> Ink:
    """Draws dots or dashes at even distances along the paths."""
    placed, size = place(paths, height, pen)
    factor = oversampling(height)
    canvas = Image.new("L", (size[0] * factor, size[1] * factor))
    pencil = ImageDraw.Draw(canvas)
    step = pen * random.uniform(1.4, 1.9) if is_dotted else pen * random.uniform(2.6, 3.6)
    dash = 0.0 if is_dotted else step * random.uniform(0.45, 0.6)
    for path in placed:
        for part in _cut(path, step, dash):
            points = [(float(x), float(y)) for x, y in part * factor]
            pencil.line(points, 255, max(1, round(pen * factor)), joint="curve")
            radius = pen * factor / 2
            for x, y in (points[0], points[-1]):
                pencil.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return to_ink(canvas, factor)


def _cut(path: Path, step: float, dash: float) -> list[Path]:
    """Pieces of a path, each `dash` pixels long, that begin `step` pixels apart."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    starts = np.linspace(0, max(along[-1] - dash, 0), max(2, round((along[-1] - dash) / step) + 1))
    pieces = [np.linspace(start, start + dash, 6) for start in starts]
    return [np.stack([np.interp(piece, along, path[:, axis]) for axis in (0, 1)], axis=1) for piece in pieces]


def _draw_twice(paths: list[Path], height: int, pen: float, random: np.random.Generator) -> Ink:
    """Draws the paths a second time beside the first."""
    extent = np.ptp(np.concatenate(paths), axis=0)[1]
    shift = random.uniform(0.02, 0.05) * extent * random.choice([-1.0, 1.0], 2)
    wobble = 0.008 * extent
    again = [
        path + shift + ndimage.gaussian_filter1d(random.normal(0, 3 * wobble, path.shape), 6, axis=0) for path in paths
    ]
    return draw_paths([*paths, *again], height, pen)


def enlarge(source: Ink, height: int) -> Ink:
    """Resizes to the height; the blur of an enlargement is sharpened by a soft threshold."""
    factor = height / source.shape[0]
    size = (max(1, round(source.shape[1] * factor)), height)
    if factor <= 1:
        return np.asarray(Image.fromarray(source).resize(size, Image.Resampling.BOX))
    margin = 2
    padded = Image.fromarray(np.pad(source, margin))
    wide = (size[0] + round(2 * margin * factor), size[1] + round(2 * margin * factor))
    soft = np.asarray(padded.resize(wide, Image.Resampling.BICUBIC))
    if factor > 3:
        soft = ndimage.uniform_filter(soft, round(factor))  # hides the squares of the pixels
    return crop(np.clip((soft - 0.42) * max(1.0, 0.8 * factor) + 0.42, 0, 1))


def _edge_distance(source: Ink) -> Ink:
    """The distance to the ink's edge, positive inside, in pixels of ink that is WORKING_HEIGHT tall, with a margin."""
    scale = WORKING_HEIGHT / source.shape[0]
    margin = max(2, round(0.2 * source.shape[0]))
    padded = np.pad(source, margin)
    size = tuple(max(1, round(side * scale)) for side in reversed(padded.shape))
    mask = np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BICUBIC)) > 0.45
    distance = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    smoothed: Ink = ndimage.gaussian_filter(distance.astype(np.float32), 1.0)
    return smoothed


def _at_height(distance: Ink, height: int) -> Ink:
    """The ink whose edge is where the distance is zero, scaled to the height."""
    rows = np.flatnonzero((distance > -0.5).any(axis=1))
    if len(rows) == 0:
        rows = np.array([0, distance.shape[0] - 1])
    scale = height / (rows[-1] - rows[0] + 1)
    size = tuple(max(1, round(side * scale)) for side in reversed(distance.shape))
    if scale < 1:
        return np.asarray(Image.fromarray(np.clip(distance + 0.5, 0, 1)).resize(size, Image.Resampling.BOX))
    larger: Ink = np.asarray(Image.fromarray(distance).resize(size, Image.Resampling.BICUBIC))
    return (larger * np.float32(scale) + np.float32(0.5)).clip(0, 1)


def _hollow(distance: Ink, height: int, random: np.random.Generator) -> Ink:
    """The line along the edge of a broad stroke."""
    pen = max(WORKING_HEIGHT / height, random.uniform(1.5, 4.0))
    return _at_height(pen / 2 - np.abs(distance + random.uniform(1.0, 3.0)), height)


def _room(source: Ink) -> float:
    """The share of the height by which strokes can be broadened before the smallest hole is closed, at most 0.075."""
    distance = _edge_distance(source)
    holes, count = ndimage.label(distance < -0.5)
    widths = ndimage.maximum(-distance, holes, range(1, count + 1)) if count else []
    inner = [width for number, width in enumerate(widths, 1) if number != holes[0, 0] and width > 2]
    return min(0.075, min(inner, default=99.0) / WORKING_HEIGHT)
