import numpy as np
import pytest
import torch

from models.pictures.line_format import HEIGHT
from models.training.data import Split
from models.training.line_drawing import MAX_DIGITS, WIDTH, draw_line_images
from models.training.synthetic_digits import draw_digits


@pytest.fixture(scope="module")
def digits() -> Split:
    return Split(*draw_digits(3))


def test_lines_are_bright_on_dark_and_say_what_stands_in_them(digits: Split) -> None:
    images, texts = draw_line_images(digits, 50, np.random.default_rng(1))
    assert images.shape == (50, 1, HEIGHT, WIDTH)
    assert images.min() >= 0
    assert images.max() <= 1
    assert {len(text) for text in texts} == set(range(1, MAX_DIGITS + 1))
    inked = (images > 0.3).any(dim=2)[:, 0].sum(dim=1).numpy()  # columns
    assert np.corrcoef(inked, [len(text) for text in texts])[0, 1] > 0.8
    assert not (images[:, :, :, -2:] > 0.3).any()  # nothing runs out at the right


def test_same_random_numbers_give_the_same_lines(digits: Split) -> None:
    def draw() -> tuple[torch.Tensor, list[list[int]]]:
        torch.manual_seed(3)
        return draw_line_images(digits, 4, np.random.default_rng(3))

    (once, texts), (again, same) = draw(), draw()
    assert torch.equal(once, again)
    assert texts == same


def test_plain_lines_show_the_digits_as_they_are(digits: Split) -> None:
    images, texts = draw_line_images(digits, 20, np.random.default_rng(0), is_augmented=False)
    alone = [number for number, text in enumerate(texts) if len(text) == 1]
    assert alone
    for number in alone:
        ink = images[number, 0].numpy()
        columns = np.flatnonzero(ink.max(axis=0) > 0.15)
        own = ink[:, columns[0] : columns[-1] + 1]
        candidates = digits.images[digits.labels == texts[number][0], 0].float().numpy() / 255
        assert any(np.isclose(own.sum(), picture.sum(), rtol=0.02) for picture in candidates)
