import numpy as np

from models.training.scenes.composition import draw_scene
from models.training.scenes.glyphs import DigitSource
from models.training.scenes.pens import STYLES, outline_digit
from models.training.scenes.printing import printed_digit, seven_segment_digit
from models.training.scenes.views import draw_views
from models.training.synthetic_digits import draw_digits

PICTURES, LABELS = draw_digits(3)
SOURCE = DigitSource(PICTURES[:, 0].numpy(), LABELS.numpy())


def test_scenes_are_pictures_with_ink_and_marks_of_the_same_size() -> None:
    random = np.random.default_rng(0)
    scenes = [draw_scene(SOURCE, random) for _ in range(60)]
    for scene in scenes:
        assert scene.picture.shape == (*scene.ink.shape, 3)
        assert scene.marks.shape == scene.ink.shape
        for levels in (scene.picture, scene.ink, scene.marks):
            assert 0 <= levels.min() <= levels.max() <= 1
    assert 0.6 < np.mean([scene.ink.max() > 0.5 for scene in scenes]) < 1  # some hold no digit
    assert any(scene.marks.max() > 0.5 for scene in scenes)


def test_views_depend_on_the_seed_alone() -> None:
    one, same, other = (
        list(draw_views(SOURCE.images, SOURCE.labels, 3, np.random.default_rng(seed))) for seed in (1, 1, 2)
    )
    assert all((a[0] == b[0]).all() and (a[1] == b[1]).all() for a, b in zip(one, same, strict=True))
    assert any(a[0].shape != b[0].shape or (a[0] != b[0]).any() for a, b in zip(one, other, strict=False))


def test_glyphs_are_as_tall_as_asked_for() -> None:
    random = np.random.default_rng(0)
    for height in (12, 40, 200):
        glyphs = [outline_digit(digit, height, random, style) for digit in range(10) for style in STYLES]
        glyphs += [draw(digit, height, random) for digit in range(10) for draw in (printed_digit, seven_segment_digit)]
        for glyph in glyphs:
            assert abs(glyph.shape[0] - height) <= 2 + 0.2 * height
            assert 0 <= glyph.min() <= glyph.max() <= 1
