import io
import json
from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from models.errors import PictureRefused, PictureTooLarge
from models.inference.classifier import DigitClassifier
from models.pictures.eye import Eye
from models.pictures.mnist_format import Normalised
from models.pictures.normalisation import normalise
from models.pictures.opening import open_picture
from models.training.data import Dataset
from tests.models.training.test_export import SHIPPED

EYE = Eye.load()


def encode(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def normalise_png(picture: Image.Image) -> Normalised:
    return normalise(open_picture(encode(picture)), EYE)


def drawn(size: tuple[int, int] = (200, 300), ink: int = 20, background: int = 230) -> Image.Image:
    """A seven, off the middle."""
    picture = Image.new("L", size, background)
    ImageDraw.Draw(picture).line([(60, 80), (120, 80), (80, 200)], fill=ink, width=14, joint="curve")
    return picture


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    rows, columns = np.mgrid[:28, :28]
    return float((rows * image).sum() / image.sum()), float((columns * image).sum() / image.sum())


def test_ink_fills_twenty_pixels_about_the_centre_of_mass() -> None:
    image = normalise_png(drawn()).image
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert centre_of_mass(image) == pytest.approx((13.5, 13.5), abs=0.75)


def test_dark_on_light_and_light_on_dark_give_the_same() -> None:
    dark, light = normalise_png(drawn()), normalise_png(drawn(ink=235, background=25))
    assert (dark.is_inverted, light.is_inverted) == (True, False)
    assert best_correlation(dark, light) > 0.97


def test_transparent_background_counts_as_white() -> None:
    picture = Image.new("RGBA", (200, 300), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), mask=drawn(ink=255, background=0))
    np.testing.assert_allclose(normalise_png(picture).image, normalise_png(drawn(ink=0, background=255)).image, atol=2)


def test_exif_orientation_of_a_photo_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be rotated by 90 degrees clockwise
    rotated = drawn().rotate(90, expand=True)
    photo = encode(rotated, "JPEG", exif=exif, quality=95)
    np.testing.assert_allclose(
        normalise(open_picture(photo), EYE).image.mean(), normalise_png(drawn()).image.mean(), rtol=0.15
    )
    assert normalise(open_picture(photo), EYE).box == pytest.approx(normalise_png(drawn()).box, abs=4)


def test_box_is_in_pixels_of_the_original() -> None:
    large = drawn().resize((2000, 3000))
    assert normalise_png(large).box == pytest.approx([10 * edge for edge in normalise_png(drawn()).box or ()], abs=25)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_is_read(mode: str) -> None:
    picture = drawn(ink=0, background=255)
    deep = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    picture = deep if mode == "I;16" else picture.convert(mode)
    np.testing.assert_allclose(normalise_png(picture).image.mean(), normalise_png(drawn()).image.mean(), rtol=0.15)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "BMP", "GIF"])
def test_every_format_is_read(kind: str) -> None:
    image = normalise(open_picture(encode(drawn(), kind)), EYE).image
    np.testing.assert_allclose(image.mean(), normalise_png(drawn()).image.mean(), rtol=0.15)


def test_blank_page_is_blank() -> None:
    assert normalise_png(Image.new("L", (50, 50), 255)).box is None
    assert normalise_png(Image.new("L", (1, 1))).box is None


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", encode(drawn())[:500]])
def test_bytes_that_are_not_a_whole_picture_are_refused(content: bytes) -> None:
    with pytest.raises(PictureRefused):
        normalise(open_picture(content), EYE)


def test_hundred_megapixels_are_refused_before_decoding() -> None:
    with pytest.raises(PictureTooLarge):
        open_picture(encode(Image.new("1", (10_000, 10_000))))


def test_mnist_digits_pasted_large_on_paper_are_read(mnist: Dataset) -> None:
    classifier, right = DigitClassifier.load(SHIPPED / "model.onnx"), 0
    for index in range(200):
        digit = Image.fromarray(255 - mnist.test.images[index, 0].numpy()).resize((160, 160), Image.Resampling.BICUBIC)
        page = Image.new("L", (400, 300), 255)
        page.paste(digit, (index, index // 2))
        right += int(classifier.predict(normalise_png(page).image[None]).argmax()) == int(mnist.test.labels[index])
    assert right >= 194


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of them
def test_picture_with_damaged_exif_data_is_read() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    for cut in range(1, 40):
        photo = bytearray(encode(drawn(), "JPEG", exif=exif))
        start = photo.index(b"Exif") + 6
        photo[start + cut % 30] ^= 0xFF
        assert normalise(open_picture(bytes(photo)), EYE).box is not None


def test_light_ink_on_a_transparent_background_is_seen() -> None:
    picture = Image.new("RGBA", (200, 300), (0, 0, 0, 0))
    picture.paste((255, 255, 255, 255), mask=drawn(ink=255, background=0))
    np.testing.assert_allclose(normalise_png(picture).image, normalise_png(drawn(ink=255, background=0)).image, atol=2)


def test_nearly_blank_page_of_sixteen_bits_is_blank() -> None:
    faint = np.full((50, 50), 60_000, np.uint16)
    faint[20:30, 20:30] -= 3
    assert normalise_png(Image.fromarray(faint)).box is None


def seven(side: int, pen: int, ink: float = 40, paper: float = 220) -> np.ndarray:
    """A seven that fills the middle half of a square page."""
    page = Image.new("L", (side, side), round(paper))
    points = [(side * 0.3, side * 0.25), (side * 0.7, side * 0.25), (side * 0.45, side * 0.75)]
    ImageDraw.Draw(page).line(points, round(ink), pen, joint="curve")
    return np.asarray(page, np.float32)


def normalise_grey(grey: np.ndarray) -> Normalised:
    return normalise_png(Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)))


def best_correlation(one: Normalised, other: Normalised) -> float:
    """The correlation of two 28x28 pictures, the highest of all shifts by up to one pixel."""
    moved = [np.roll(one.image, by, axis=(0, 1)) for by in product((-1, 0, 1), repeat=2)]
    return max(float(np.corrcoef(image.ravel(), other.image.ravel())[0, 1]) for image in moved)


def stroke_width(image: np.ndarray) -> float:
    """Grows with the width of the strokes of a 28x28 picture; measured at 112x112."""
    inside = np.asarray(Image.fromarray(image).resize((112, 112), Image.Resampling.BICUBIC)) > 127
    return float(ndimage.distance_transform_edt(inside)[inside].mean())


@pytest.mark.parametrize("light", ["gradient", "vignette", "shadow"])
@pytest.mark.parametrize("colours", [(40, 220), (230, 60)])
def test_uneven_light_changes_little(light: str, colours: tuple[float, float]) -> None:
    rows, columns = np.mgrid[-1:1:300j, -1:1:300j]
    shade = {
        "gradient": 0.7 + 0.3 * columns,
        "vignette": 1 - 0.3 * (rows**2 + columns**2),
        "shadow": np.where(rows + 0.4 * columns > 0.1, 0.6, 1.0),
    }[light]
    page = seven(300, 12, *colours)
    lit = normalise_grey(page * shade + np.random.default_rng(0).normal(0, 2, page.shape))
    assert lit.is_inverted == (colours[0] < colours[1])
    assert best_correlation(lit, normalise_grey(page)) > 0.93


@pytest.mark.parametrize("is_squared", [False, True])
@pytest.mark.parametrize("strength", [0.25, 0.6])
def test_ruling_is_removed(is_squared: bool, strength: float) -> None:
    page = seven(400, 12)
    ruled = page.copy()
    ruled[20::37] -= strength * 180
    if is_squared:
        ruled[:, 15::37] -= strength * 180
    ruled = np.where(page < 150, page, ruled)
    assert best_correlation(normalise_grey(ruled), normalise_grey(page)) > 0.85


def test_ink_at_the_edge_is_not_the_digit() -> None:
    page = seven(400, 12)
    table = page.copy()
    table[:30], table[:, 385:] = 20, 40
    assert best_correlation(normalise_grey(table), normalise_grey(page)) > 0.97


def test_broken_strokes_stay_together() -> None:
    page = seven(400, 12)
    broken = page.copy()
    broken[110:118], broken[150:156] = 220, 220
    assert best_correlation(normalise_grey(broken), normalise_grey(page)) > 0.93


@pytest.mark.parametrize(("side", "pen"), [(400, 2), (400, 6), (400, 60), (1600, 5)])
def test_hairlines_and_markers_become_as_wide_as_mnists_strokes(side: int, pen: int) -> None:
    assert 2 <= stroke_width(normalise_grey(seven(side, pen)).image) <= 4.3  # 90 % of MNIST lie within 2.1 and 4.15


def test_small_digit_on_a_large_page_is_found_and_sharp() -> None:
    page = np.full((900, 1000), 215, np.float32)
    page[610:690, 710:790] = seven(80, 4, 40, 215)
    found = normalise_grey(page)
    assert found.box == pytest.approx((732, 628, 768, 672), abs=6)
    assert best_correlation(found, normalise_grey(seven(400, 20))) > 0.9


def test_pale_yellow_ink_on_white_is_seen() -> None:
    page = np.full((300, 300, 3), 250, np.uint8)
    page[seven(300, 12) < 130] = (250, 240, 110)
    assert best_correlation(normalise_png(Image.fromarray(page)), normalise_grey(seven(300, 12))) > 0.95


def test_picture_in_mnists_format_stays_unchanged(mnist: Dataset) -> None:
    taken = 0
    for picture in mnist.validation.images[:300, 0].numpy():
        as_sent, negative = normalise_png(Image.fromarray(picture)), normalise_png(Image.fromarray(255 - picture))
        np.testing.assert_array_equal(as_sent.image, negative.image)
        assert (as_sent.is_inverted, negative.is_inverted) == (False, True)
        taken += int(np.array_equal(as_sent.image, picture))
    assert taken >= 297


def test_several_digits_are_rejected_and_a_dot_is_too_small() -> None:
    two = np.hstack([seven(200, 10), seven(200, 10)])
    dot = Image.new("L", (300, 300), 255)
    ImageDraw.Draw(dot).ellipse((140, 140, 152, 152), 0)
    assert normalise_grey(two).rejection_reason == "not_a_digit"
    assert normalise_png(dot).rejection_reason == "too_small"
    assert normalise_grey(seven(300, 12)).rejection_reason is None
    assert normalise_png(Image.new("L", (300, 300), 255)).rejection_reason == "blank"


def test_grainy_paper_without_ink_is_blank() -> None:
    random = np.random.default_rng(0)
    for level in (60, 140, 230):
        page = np.linspace(level, level * 0.7, 400)[:, None] + random.normal(0, 4, (400, 300))
        assert normalise_grey(page).box is None


def test_mnist_digits_are_read_on_shaded_and_squared_paper(mnist: Dataset) -> None:
    classifier, random, right = DigitClassifier.load(SHIPPED / "model.onnx"), np.random.default_rng(0), 0
    for index in range(100):
        digit = Image.fromarray(mnist.validation.images[index, 0].numpy()).resize((224, 224), Image.Resampling.BICUBIC)
        ink = np.asarray(digit.filter(ImageFilter.GaussianBlur(1)), np.float32) / 255
        page = np.full((360, 330), 225, np.float32)
        page[index % 23 :: 23] -= 50
        page[:, index % 19 :: 23] -= 50
        top, left = int(random.integers(136)), int(random.integers(106))
        page[top : top + 224, left : left + 224] *= 1 - 0.75 * ink
        page *= np.linspace(1, 0.55, 330)
        sent = encode(Image.fromarray(page.astype(np.uint8)), "JPEG", quality=70)
        image = normalise(open_picture(sent), EYE).image
        right += int(classifier.predict(image[None]).argmax()) == int(mnist.validation.labels[index])
    assert right >= 95


def test_pictures_of_any_size_shape_and_mode_are_normalised() -> None:
    random = np.random.default_rng(0)
    sides = [1, 2, 3, 5, 8, 27, 28, 29, 40, 330, 1100]
    for number in range(150):
        width, height = (int(side) for side in random.choice(sides, 2))
        pixels = random.integers(0, 256, (height, width, 4)).astype(np.uint8)
        if number % 3:  # mostly background
            pixels[random.random((height, width)) < 0.95] = random.integers(0, 256, 4)
        picture = Image.fromarray(pixels).convert(str(random.choice(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "F"])))
        found = normalise(picture, EYE)
        assert found.image.shape == (28, 28)
        assert found.image.dtype == np.uint8
        assert (found.box is None) == (found.image.max() == 0)
        if found.box is not None:
            left, top, right, bottom = found.box
            assert 0 <= left < right <= width + 1
            assert 0 <= top < bottom <= height + 1
        assert np.isfinite([found.scale, found.ink_share, *found.shift]).all()
        assert json.dumps([found.is_inverted, found.box, found.scale, found.shift, found.ink_share])  # no NumPy types
