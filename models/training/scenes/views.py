"""Views of scenes, as the eye is trained on them: the whole scene, and the surroundings of its digits."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.pictures.view import FAR_SIDE, NEAR_SIDE, draw_view
from models.training.scenes.composition import USUAL_SHARES, Scene, Shares, draw_scene
from models.training.scenes.glyphs import DigitSource
from models.training.scenes.images import to_bytes
from models.training.scenes.strokes import Ink

PAGE_SIDE = 160  # pixels of the view of a page
MARGINS = (0.1, 0.6)  # of the longer side of the ink, around it in the nearer view
MIN_COVERAGE = 0.12  # of a view's pixel: a thin stroke that covers more of it is ink all the same

Example = tuple[
    NDArray[np.int8], NDArray[np.uint8]
]  # (6, side, side) times 127; ink and marks (2, side, side) times 255


def draw_views(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    count: int,
    random: np.random.Generator,
    *,
    shares: Shares = USUAL_SHARES,
) -> Iterator[Example]:
    """Two or three views of each of `count` scenes, of 64, 96 or 160 pixels."""
    source = DigitSource(images, labels)
    for _ in range(count):
        scene = draw_scene(source, random, shares=shares)
        longest = max(scene.ink.shape)
        yield _look(scene, FAR_SIDE if longest > FAR_SIDE else NEAR_SIDE)
        yield _look(_come_closer(scene, random), NEAR_SIDE)
        if longest > 1.5 * PAGE_SIDE:
            yield _look(scene, PAGE_SIDE)


def _look(scene: Scene, side: int) -> Example:
    view = draw_view(Image.fromarray(to_bytes(scene.picture)), side)
    pixels = np.round(np.clip(view.pixels, -1, 1) * 127).astype(np.int8)
    inks = np.zeros((2, side, side), np.uint8)
    _, height, width = view.colours.shape
    for number, ink in enumerate((scene.ink, scene.marks)):
        inks[number, :height, :width] = to_bytes(_reduce(ink, width, height))
    return pixels, inks


def _reduce(ink: Ink, width: int, height: int) -> Ink:
    """Ink at the size of a view. A stroke thinner than a pixel is as much ink as a broad one."""
    method = Image.Resampling.BOX if height < ink.shape[0] else Image.Resampling.BICUBIC
    covered = np.clip(np.asarray(Image.fromarray(ink.astype(np.float32)).resize((width, height), method)), 0, 1)
    highest = ndimage.maximum_filter(covered, 3)
    normalised: Ink = covered / np.maximum(highest, MIN_COVERAGE)
    return normalised


def _come_closer(scene: Scene, random: np.random.Generator) -> Scene:
    """The part around the ink; in a scene without ink, that around a mark, or around a part of it."""
    height, width = scene.ink.shape
    rows, columns = np.nonzero(scene.ink > 0.3)
    if not len(rows):
        rows, columns = np.nonzero(scene.marks > 0.3)
        if len(rows) and random.random() < 0.5:  # the eye may have taken a part of the mark for ink
            size, near = random.uniform(0.1, 0.5) * max(height, width), int(random.integers(len(rows)))
            is_near = np.maximum(np.abs(rows - rows[near]), np.abs(columns - columns[near])) <= size / 2
            rows, columns = rows[is_near], columns[is_near]
    if not len(rows):
        top, left = (int(random.integers(0, side // 2 + 1)) for side in (height, width))
        bottom, right = top + height // 2, left + width // 2
    else:
        rows, columns = np.sort(rows), np.sort(columns)
        side = max(np.ptp(rows), np.ptp(columns)) + 1
        before, after = random.uniform(*MARGINS, (2, 2)) * side
        top, left = max(0, int(rows[0] - before[0])), max(0, int(columns[0] - before[1]))
        bottom, right = min(height, int(rows[-1] + 1 + after[0])), min(width, int(columns[-1] + 1 + after[1]))
    place = (slice(top, max(top + 4, bottom)), slice(left, max(left + 4, right)))
    return Scene(scene.picture[place], scene.ink[place], scene.marks[place])
