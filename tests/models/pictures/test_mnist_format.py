import io

import numpy as np
import pytest
from PIL import Image

from models.errors import PictureRefused
from models.pictures.eye import Eye
from models.pictures.mnist_format import as_mnist, find_mnist
from models.pictures.normalisation import normalise
from models.pictures.opening import open_picture
from models.training.data import Dataset

EYE = Eye.load()


def test_pictures_of_mnist_stay_unchanged(mnist: Dataset) -> None:
    for image in mnist.test.images[:1000, 0].numpy():
        taken = as_mnist(Image.fromarray(image))
        assert taken is not None
        assert np.array_equal(taken.image, image)
        assert (taken.is_inverted, taken.scale, taken.shift) == (False, 1.0, (0, 0))


def test_normalised_picture_stays_unchanged(mnist: Dataset) -> None:
    taken = 0
    for image in mnist.test.images[:100, 0].numpy():
        large = Image.fromarray(255 - image).resize((280, 280), Image.Resampling.BICUBIC)
        taken += as_mnist(Image.fromarray(normalise(large, EYE).image)) is not None
    assert taken >= 90  # not where the shift had to stop at the picture's edge


@pytest.mark.parametrize("change", ["light background", "off centre", "small", "blank", "other size", "colour"])
def test_other_pictures_must_be_normalised(mnist: Dataset, change: str) -> None:
    image = mnist.test.images[0, 0].numpy()
    picture = Image.fromarray(image)
    changed = {
        "light background": Image.fromarray(255 - image),
        "off centre": Image.fromarray(np.roll(image, 3, axis=1)),
        "small": Image.fromarray(np.pad(np.asarray(picture.resize((14, 14))), 7)),
        "blank": Image.new("L", (28, 28)),
        "other size": picture.resize((29, 28)),
        "colour": picture.convert("RGB"),
    }[change]
    assert as_mnist(changed) is None


def test_damaged_picture_is_left_for_normalise_to_refuse(mnist: Dataset) -> None:
    content = io.BytesIO()
    Image.fromarray(mnist.test.images[0, 0].numpy()).save(content, "PNG")
    damaged = open_picture(content.getvalue()[:100])
    assert as_mnist(damaged) is None
    with pytest.raises(PictureRefused):
        normalise(damaged, EYE)


def test_many_pictures_are_judged_as_one(mnist: Dataset) -> None:
    images = mnist.test.images[:1500, 0].numpy().copy()
    for number, change in enumerate([255, 0, 1]):
        images[number] = change  # light, blank, nearly blank
    images[10:500] = np.roll(images[10:500], (2, -1), axis=(1, 2))
    images[500:700, 5:23, :9] = 0
    alone = [as_mnist(Image.fromarray(image)) is not None for image in images]
    assert find_mnist(images).tolist() == alone
    assert 800 < sum(alone) < 1400
    assert find_mnist(images[:0]).tolist() == []
