import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from models.data import Dataset
from models.errors import PictureRefused, PictureTooLarge
from models.inference import DigitClassifier
from models.preprocessing import Normalised, normalise, read_picture
from tests.models.test_export import SHIPPED


def encode(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def bring(picture: Image.Image) -> Normalised:
    return normalise(read_picture(encode(picture)))


def drawn(size: tuple[int, int] = (200, 300), ink: int = 20, ground: int = 230) -> Image.Image:
    """A seven, off the middle."""
    picture = Image.new("L", size, ground)
    ImageDraw.Draw(picture).line([(60, 80), (120, 80), (80, 200)], fill=ink, width=14, joint="curve")
    return picture


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    rows, columns = np.mgrid[:28, :28]
    return float((rows * image).sum() / image.sum()), float((columns * image).sum() / image.sum())


def test_ink_fills_twenty_pixels_about_the_centre_of_mass() -> None:
    image = bring(drawn()).image
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert centre_of_mass(image) == pytest.approx((13.5, 13.5), abs=0.75)


def test_dark_on_light_and_light_on_dark_give_the_same() -> None:
    dark, light = bring(drawn()), bring(drawn(ink=235, ground=25))
    assert (dark.inverted, light.inverted) == (True, False)
    np.testing.assert_allclose(dark.image, light.image, atol=2)


def test_transparent_ground_counts_as_white() -> None:
    picture = Image.new("RGBA", (200, 300), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), mask=drawn(ink=255, ground=0))
    np.testing.assert_allclose(bring(picture).image, bring(drawn(ink=0, ground=255)).image, atol=2)


def test_orientation_of_a_photo_is_followed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned = drawn().rotate(90, expand=True)
    photo = encode(turned, "JPEG", exif=exif, quality=95)
    np.testing.assert_allclose(normalise(read_picture(photo)).image.mean(), bring(drawn()).image.mean(), rtol=0.15)
    assert normalise(read_picture(photo)).box == pytest.approx(bring(drawn()).box, abs=4)


def test_box_is_in_pixels_of_the_original() -> None:
    large = drawn().resize((2000, 3000))
    assert bring(large).box == pytest.approx([10 * edge for edge in bring(drawn()).box or ()], abs=25)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_is_read(mode: str) -> None:
    picture = drawn(ink=0, ground=255)
    deep = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    picture = deep if mode == "I;16" else picture.convert(mode)
    np.testing.assert_allclose(bring(picture).image.mean(), bring(drawn()).image.mean(), rtol=0.15)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "BMP", "GIF"])
def test_every_format_is_read(kind: str) -> None:
    image = normalise(read_picture(encode(drawn(), kind))).image
    np.testing.assert_allclose(image.mean(), bring(drawn()).image.mean(), rtol=0.15)


def test_blank_page_is_blank() -> None:
    assert bring(Image.new("L", (50, 50), 255)).is_blank
    assert bring(Image.new("L", (1, 1))).is_blank


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", encode(drawn())[:500]])
def test_what_is_not_a_whole_picture_is_refused(content: bytes) -> None:
    with pytest.raises(PictureRefused):
        normalise(read_picture(content))


def test_hundred_megapixels_are_refused_undecoded() -> None:
    with pytest.raises(PictureTooLarge):
        read_picture(encode(Image.new("1", (10_000, 10_000))))


def test_mnist_digits_pasted_large_on_paper_are_read(mnist: Dataset) -> None:
    classifier, right = DigitClassifier.load(SHIPPED / "model.onnx"), 0
    for index in range(200):
        digit = Image.fromarray(255 - mnist.test.images[index, 0].numpy()).resize((160, 160), Image.Resampling.BICUBIC)
        page = Image.new("L", (400, 300), 255)
        page.paste(digit, (index, index // 2))
        right += int(classifier.predict(bring(page).image[None]).argmax()) == int(mnist.test.labels[index])
    assert right >= 194


@pytest.mark.filterwarnings("ignore::UserWarning")  # how Pillow speaks of them
def test_odd_exif_data_are_no_reason_to_refuse_a_picture() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    for cut in range(1, 40):
        photo = bytearray(encode(drawn(), "JPEG", exif=exif))
        start = photo.index(b"Exif") + 6
        photo[start + cut % 30] ^= 0xFF
        assert not normalise(read_picture(bytes(photo))).is_blank


def test_light_ink_on_a_transparent_ground_is_seen() -> None:
    picture = Image.new("RGBA", (200, 300), (0, 0, 0, 0))
    picture.paste((255, 255, 255, 255), mask=drawn(ink=255, ground=0))
    np.testing.assert_allclose(bring(picture).image, bring(drawn(ink=255, ground=0)).image, atol=2)


def test_nearly_blank_page_of_sixteen_bits_is_blank() -> None:
    faint = np.full((50, 50), 60_000, np.uint16)
    faint[20:30, 20:30] -= 3
    assert bring(Image.fromarray(faint)).is_blank
