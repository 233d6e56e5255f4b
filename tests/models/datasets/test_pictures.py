import io

import numpy as np
import pytest
from PIL import Image

from models.datasets.pictures import find_tested, read_npz, require_trainable, split, write_npz
from models.datasets.sheet import draw_sheet
from models.errors import DatasetUnusable

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (200, 28, 28), np.uint8)
LABELS = np.repeat(np.arange(10, dtype=np.uint8), 20)


def test_each_digit_is_split_alike_and_the_order_of_the_pictures_does_not_matter() -> None:
    pictures = split(IMAGES, LABELS)
    assert pictures.split_sizes == {"train": 140, "validation": 30, "test": 30}
    assert all((np.bincount(pictures.splits[digit == LABELS]) == [14, 3, 3]).all() for digit in range(10))
    order = RANDOM.permutation(200)
    assert (split(IMAGES[order], LABELS[order]).splits == pictures.splits[order]).all()
    assert pictures.counts == {str(digit): 20 for digit in range(10)}


def test_more_pictures_move_few_of_the_others() -> None:
    before, after = split(IMAGES[:190], LABELS[:190]).splits, split(IMAGES, LABELS).splits[:190]
    assert (before[:180] == after[:180]).all()  # the other nine digits


def test_three_pictures_of_a_digit_are_enough_for_one_in_each_split() -> None:
    pictures = split(IMAGES[17:23], LABELS[17:23])  # three of 0, three of 1
    assert pictures.split_sizes == {"train": 2, "validation": 2, "test": 2}
    assert split(IMAGES[18:20], LABELS[18:20]).split_sizes == {"train": 2, "validation": 0, "test": 0}


def test_equal_pictures_stay_together() -> None:
    images = np.concatenate([IMAGES[:20]] * 3)
    splits = split(images, np.zeros(60, np.uint8)).splits.reshape(3, 20)
    assert (splits == splits[0]).all()
    assert set(splits[0].tolist()) == {0, 1, 2}


def test_equal_pictures_of_several_digits_stay_together() -> None:
    images = np.concatenate([IMAGES[:40], IMAGES[10:20]])  # the others of a digit move the place of each in its order
    labels = np.repeat(np.array([1, 7], np.uint8), [20, 30])
    splits = split(images, labels).splits
    assert (splits[40:] == splits[10:20]).all()
    assert len(set(splits[40:].tolist())) > 1


def test_pictures_that_are_also_in_the_test_set_are_found() -> None:
    images, is_test = IMAGES[[0, 1, 2, 1, 0]], np.array([False, False, False, True, False])
    assert find_tested(images, is_test).tolist() == [False, True, False, False, False]


def test_a_test_set_that_is_there_stays_the_test_set() -> None:
    is_test = np.arange(200) % 4 == 0
    pictures = split(IMAGES, LABELS, is_test)
    assert ((pictures.splits == 2) == is_test).all()
    assert pictures.split_sizes == {"train": 130, "validation": 20, "test": 50}  # 15 % of 15 is 2


def test_stored_pictures_come_back_and_the_same_pictures_are_the_same_file() -> None:
    pictures, files = split(IMAGES, LABELS), (io.BytesIO(), io.BytesIO())
    for file in files:
        write_npz(pictures, file)
    assert files[0].getvalue() == files[1].getvalue()
    found = read_npz(files[0].getvalue())
    assert all(np.array_equal(getattr(found, name), getattr(pictures, name)) for name in ("images", "labels", "splits"))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, "is empty"),
        ({7: 50}, "the digit 7 only"),
        ({7: 50, 3: 2}, "too small"),
        (dict.fromkeys(range(10), 2), "too small"),
    ],
)
def test_data_sets_from_which_nothing_can_be_learnt_are_refused_with_the_reason(
    counts: dict[int, int], words: str
) -> None:
    labels = np.repeat(np.array(list(counts), np.uint8), list(counts.values()))
    pictures = split(IMAGES[: len(labels)], labels)
    with pytest.raises(DatasetUnusable, match=words):
        require_trainable("mine", pictures.counts, pictures.split_sizes)


def test_two_digits_are_enough() -> None:
    pictures = split(IMAGES[17:23], LABELS[17:23])
    require_trainable("mine", pictures.counts, pictures.split_sizes)


def test_sheet_shows_some_pictures_of_every_digit() -> None:
    few, many = (draw_sheet(split(IMAGES[:count], LABELS[:count])) for count in (3, 200))
    heights = [Image.open(io.BytesIO(png)).height for png in (few, many)]
    assert heights == [82, 766]  # one row, and ten
    sheet = np.array(Image.open(io.BytesIO(many)))
    tile = sheet[6 + 14 : 6 + 14 + 56, 6 : 6 + 56]
    assert np.array_equal(tile[::2, ::2], IMAGES[0])  # the first 0
    last_row = 6 + 9 * 76 + 14
    assert np.array_equal(sheet[last_row : last_row + 56 : 2, 6:62:2], IMAGES[180])  # the first 9
