import numpy as np
from PIL import Image

from models.pictures.view import CHANNELS, draw_view


def test_view_keeps_the_proportions_and_marks_what_is_outside() -> None:
    view = draw_view(Image.new("RGB", (300, 150), "white"), 64)
    assert view.pixels.shape == (CHANNELS, 64, 64)
    assert view.colours.shape == (3, 32, 64)
    assert view.pixels[5, :32].all()
    assert not view.pixels[:, 32:].any()


def test_a_line_thinner_than_a_pixel_of_the_view_is_seen() -> None:
    page = np.full((320, 320, 3), 255, np.uint8)
    page[:, 160] = 0
    page[:, 20:40] = 0
    view = draw_view(Image.fromarray(page), 64)
    middle = view.pixels[:, 10, 160 * 64 // 320]
    assert middle[3] == -1  # the darkest level
    assert middle[0] > -0.3  # the mean


def test_a_view_of_the_negative_is_the_negative_of_the_view() -> None:
    page = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    view, negative = (draw_view(Image.fromarray(levels), 64).pixels for levels in (page, 255 - page))
    np.testing.assert_allclose(negative[:3], -view[:3], atol=0.02)
    np.testing.assert_allclose(negative[3], -view[4], atol=0.02)


def test_a_grey_picture_is_seen_as_the_same_one_in_colour() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (200, 150), dtype=np.uint8)
    grey, colour = (draw_view(Image.fromarray(levels).convert(mode), 64) for mode in ("L", "RGB"))
    np.testing.assert_allclose(grey.pixels, colour.pixels, atol=1e-5)


def test_a_page_of_any_shape_has_sides_that_can_be_halved_four_times() -> None:
    for size in ((1, 1), (1, 500), (333, 77)):
        assert all(side % 16 == 0 for side in draw_view(Image.new("RGB", size), 160, is_square=False).pixels.shape[1:])
