from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw

from models.errors import PictureRefused
from models.inference.classifier import DigitClassifier
from models.inference.line_reader import LineReader
from models.inference.reading import ReadDigit, choose_digits
from models.inference.segmentation import segment
from models.pictures.eye import Eye
from models.pictures.layout import MAX_VIEWED_HEIGHT, find_layout
from models.pictures.normalisation import normalise
from models.training.data import Dataset
from models.training.synthetic_digits import draw_digits
from tests.models.training.test_export import SHIPPED

READER, EYE = LineReader.load(), Eye.load()


@pytest.fixture(scope="module")
def classifier() -> DigitClassifier:
    return DigitClassifier.load(SHIPPED / "model.onnx")


def read(picture: Image.Image, classifier: DigitClassifier) -> list[list[ReadDigit]]:
    found = segment(picture, READER, EYE)
    return choose_digits(found, classifier.probabilities(found.pixels()), classifier.min_margin)


def text(lines: list[list[ReadDigit]]) -> str:
    return "\n".join("".join(str(digit.digit) for digit in line) for line in lines)


def drawn(number: str) -> np.ndarray:
    """A number of synthetic digits, dark on white. Not all are easy to read; those of these tests are."""
    pictures, labels = draw_digits(20)
    images = [pictures[labels == int(sign)][place, 0].numpy() for place, sign in enumerate(number)]
    return 255 - np.pad(np.hstack(images), 12)


def written(dataset: Dataset, start: int, count: int, *, gap: int) -> tuple[np.ndarray, str]:
    """Validation digits with `gap` pixels between the boxes of their ink."""
    page, x = np.zeros((48, 40 * count), np.uint8), 10
    for image in dataset.validation.images[start : start + count, 0].numpy():
        columns = np.flatnonzero(image.any(axis=0))
        ink = image[:, columns[0] : columns[-1] + 1]
        place = page[10:38, x : x + ink.shape[1]]
        np.maximum(place, ink, out=place)
        x += ink.shape[1] + gap
    return page[:, : x + 10], "".join(map(str, dataset.validation.labels[start : start + count].tolist()))


def share_right(dataset: Dataset, classifier: DigitClassifier, *, gap: int) -> float:
    strings = [written(dataset, start, 5, gap=gap) for start in range(0, 300, 5)]
    return float(np.mean([text(read(Image.fromarray(page), classifier)) == label for page, label in strings]))


def test_number_is_read_with_its_boxes_from_left_to_right(classifier: DigitClassifier) -> None:
    lines = read(Image.fromarray(drawn("20638")), classifier)
    assert text(lines) == "20638"
    lefts = [digit.box[0] for digit in lines[0]]
    assert lefts == sorted(lefts)
    for place, digit in enumerate(lines[0]):
        left, top, right, bottom = digit.box
        assert 12 + 28 * place <= left < right <= 12 + 28 * (place + 1)
        assert 12 <= top < bottom <= 40


def test_lines_are_read_from_top_to_bottom(classifier: DigitClassifier) -> None:
    page = np.vstack([drawn("20"), drawn("68")])
    assert text(read(Image.fromarray(page), classifier)) == "20\n68"


@pytest.mark.parametrize("zoom", [2, 5, 20])
def test_size_of_the_writing_does_not_matter(classifier: DigitClassifier, zoom: int) -> None:
    page = Image.fromarray(drawn("20638"))
    lines = read(page.resize((page.width * zoom, page.height * zoom), Image.Resampling.BICUBIC), classifier)
    assert text(lines) == "20638"
    assert all(digit.box[2] <= page.width * zoom for digit in lines[0])
    assert lines[0][-1].box[0] > 100 * zoom  # in pixels of the original


def test_light_on_dark_is_read_as_dark_on_light(classifier: DigitClassifier) -> None:
    dark, light = (read(Image.fromarray(page), classifier) for page in (drawn("20638"), 255 - drawn("20638")))
    assert text(dark) == text(light) == "20638"
    for one, other in zip(dark[0], light[0], strict=True):
        assert one.box == pytest.approx(other.box, abs=2)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_nothing_is_read_on_a_blank_page(classifier: DigitClassifier, shade: int) -> None:
    assert read(Image.new("L", (300, 200), shade), classifier) == []


def test_page_full_of_marks_is_refused(classifier: DigitClassifier) -> None:
    page = Image.new("L", (900, 900), 255)
    for x in range(10, 890, 30):
        for y in range(10, 890, 30):
            ImageDraw.Draw(page).line([(x, y), (x + 8, y + 16)], fill=0, width=3)
    with pytest.raises(PictureRefused, match="more than"):
        read(page, classifier)


def test_more_than_a_hundred_digits_are_refused(classifier: DigitClassifier) -> None:
    page = np.vstack([drawn("20638" * 3)] * 7)
    with pytest.raises(PictureRefused, match="more than 100"):
        read(Image.fromarray(page), classifier)


def test_numbers_of_mnist_are_read_with_natural_spacing(classifier: DigitClassifier, mnist: Dataset) -> None:
    assert share_right(mnist, classifier, gap=4) >= 0.93  # the network alone would read about 0.96 of them


@pytest.mark.parametrize("gap", [0, -1, -2])
def test_touching_and_overlapping_digits_are_told_apart(classifier: DigitClassifier, mnist: Dataset, gap: int) -> None:
    assert share_right(mnist, classifier, gap=gap) >= 0.85


def test_every_digit_of_joined_ink_has_a_box_of_its_own(classifier: DigitClassifier, mnist: Dataset) -> None:
    page, label = written(mnist, 40, 5, gap=-1)
    boxes = [digit.box for digit in read(Image.fromarray(page), classifier)[0]]
    assert len(boxes) == len(label)
    for one, other in pairwise(boxes):
        assert one[0] < other[0]
        assert one[2] < other[2]
        assert one[2] - other[0] < 12  # pixels of overlap, while digits are up to 20 wide


def test_zero_that_the_line_reader_takes_for_two_digits_is_one(classifier: DigitClassifier, mnist: Dataset) -> None:
    numbers = [
        read(Image.fromarray(page), classifier) for page, _ in (written(mnist, s, 5, gap=5) for s in range(0, 500, 5))
    ]
    assert np.mean([len(text(lines)) == 5 for lines in numbers]) >= 0.98


def test_digits_come_in_the_order_in_which_they_were_read(classifier: DigitClassifier) -> None:
    page = Image.fromarray(np.pad(drawn("20638"), ((0, 20), (0, 0)), constant_values=255))
    ImageDraw.Draw(page).line([(14, 42), (150, 42)], fill=0, width=2)
    assert [digit.digit for digit in read(page, classifier)[0]][:2] == [2, 0]


def test_frame_around_a_number_is_not_a_digit(classifier: DigitClassifier) -> None:
    page = Image.fromarray(np.pad(drawn("20638"), 20, constant_values=255))
    ImageDraw.Draw(page).rectangle((8, 8, page.width - 9, page.height - 9), outline=0, width=2)
    assert text(read(page, classifier)) == "20638"


@pytest.mark.parametrize("size", [(422, 82), (61, 40), (1300, 333), (2000, 500), (1500, 1501)])
def test_boxes_lie_in_the_original(classifier: DigitClassifier, size: tuple[int, int]) -> None:
    inked = drawn("20638")
    rows, columns = np.flatnonzero((inked < 128).any(axis=1)), np.flatnonzero((inked < 128).any(axis=0))
    tight = Image.fromarray(inked[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).resize(size)
    boxes = [digit.box for line in read(tight, classifier) for digit in line]
    assert boxes
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]


def test_line_that_climbs_is_read(classifier: DigitClassifier) -> None:
    page = Image.fromarray(drawn("20638")).resize((820, 260)).rotate(10, expand=True, fillcolor=255)
    assert text(read(page, classifier)) == "20638"


@pytest.mark.parametrize(
    "strokes",
    [
        [[(84, 14), (84, 36)], [(104, 36), (85, 24), (104, 12)]],  # K
        [[(84, 14), (104, 36)], [(104, 14), (84, 36)]],  # X
    ],
)
def test_letters_are_not_accepted(classifier: DigitClassifier, strokes: list[list[tuple[int, int]]]) -> None:
    page = Image.fromarray(np.hstack([drawn("20"), np.full((52, 40), 255, np.uint8), drawn("68")]))
    for stroke in strokes:
        ImageDraw.Draw(page).line(stroke, fill=0, width=3)
    digits = read(page, classifier)[0]
    assert [digit.digit for digit in digits if digit.reason is None] == [2, 0, 6, 8]


def test_dots_between_digits_are_ignored(classifier: DigitClassifier) -> None:
    page = Image.fromarray(np.hstack([drawn("20"), np.full((52, 8), 255, np.uint8), drawn("68")]))
    ImageDraw.Draw(page).ellipse((80, 34, 83, 38), fill=0)
    assert text(read(page, classifier)) == "2068"


def test_lines_that_are_too_long_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Image.fromarray(np.vstack([drawn("20638"), drawn("20638")]))
    monkeypatch.setattr("models.inference.segmentation.MAX_LINE_PIXELS", 200)
    with pytest.raises(PictureRefused, match="more than 100"):
        segment(page, READER, EYE)


def test_combs_are_refused_before_they_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Image.new("L", (1024, 1024), 255)
    for y in range(60, 1000, 60):
        ImageDraw.Draw(page).line([(5, y), (1015, y)], fill=0, width=2)
        for x in range(8, 1016, 8):
            ImageDraw.Draw(page).line([(x, y - 40), (x, y)], fill=0, width=2)
    monkeypatch.setattr("models.pictures.ink_assignment.find_seam", lambda *_, **__: pytest.fail("split"))
    with pytest.raises(PictureRefused, match="more than"):
        segment(page, READER, EYE)


def test_a_page_of_one_huge_component_is_not_split() -> None:
    """Noise that is small ink in the first view, and one blot in a nearer one, took 2.4 s and 200 MB."""
    page = Image.fromarray((np.random.default_rng(1).random((250, 250)) < 0.4).astype(np.uint8) * 255)
    for line in find_layout(page.convert("RGB"), EYE).lines:
        assert line.height <= MAX_VIEWED_HEIGHT


def test_one_digit_is_read_as_a_prediction_reads_it(classifier: DigitClassifier, mnist: Dataset) -> None:
    same = 0
    for picture in mnist.validation.images[:60, 0].numpy():
        page = Image.fromarray(255 - np.pad(picture, 20)).resize((204, 204), Image.Resampling.BICUBIC)
        alone = int(classifier.predict(normalise(page, EYE).image[None]).argmax())
        same += text(read(page, classifier)) == str(alone)
    assert same >= 59
