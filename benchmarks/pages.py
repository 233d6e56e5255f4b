"""How well are pages of several digits read? python benchmarks/pages.py [--half judge] [--count 100] [--sheet F]

Numbers of three to six digits by MNIST's validation writers (and a third by our own pen): in the fields of a form,
underlined, on squared paper, under the hard edge of a shadow, climbing, of different sizes, with a dash. Each kind has
other digits and settings for development and for judging (picture_kinds/kinds.py). Printed are the numbers that are
read fully right; the digits that are found and read right, are accepted, and are wrong among the accepted; and, over
all kinds, the expected calibration error of `confidence` (Guo et al. 2017, 15 bins of equal size), and the temperature
that would suit it best: 1 where it is calibrated.
"""

import argparse
import io
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from picture_kinds.kinds import INKS, PAPERS, Half, Hand, Random, colour_of, jpeg, pick
from PIL import Image
from reading import read, stack
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from app.registry.service import SHIPPED
from models.inference.classifier import DigitClassifier
from models.inference.reading import ReadDigit
from models.pictures.boxes import Box, middle_of
from models.pictures.overlay import draw_boxes
from models.training.data import Split, load_local_mnist
from models.training.scenes.colours import Picture, paint
from models.training.scenes.drawing import bend, draw_lines, lay, straight
from models.training.scenes.grounds import paper, ruled, squared
from models.training.scenes.light import hard_shadow, lit

OWN_PEN_SHARE = 1 / 3
BINS = 15
LINES = ("#101010", "#303030", "#2858a0", "#a03838", "#606060", "#407050")  # colours of printed lines


@dataclass
class Page:
    """A picture, and the digits on it from left to right, group by group."""

    picture: Picture
    labels: list[int]
    boxes: list[Box]
    groups: list[int] = field(default_factory=list)  # how many digits are in each, where a dash separates them

    @property
    def text(self) -> str:
        ends = np.cumsum(self.groups or [len(self.labels)])
        parts = np.split(np.array(self.labels), ends[:-1])
        return " ".join("".join(map(str, part)) for part in parts)

    @property
    def shape(self) -> tuple[int, int]:
        return self.picture.shape[0], self.picture.shape[1]


Draw = Callable[[list[Hand], Random, Half], Page]


def main() -> None:
    parser = argparse.ArgumentParser(description="How well are pages of several digits read?")
    parser.add_argument("--half", choices=["develop", "judge"], default="develop")
    parser.add_argument("--count", type=int, default=100, help="pages of each kind")
    parser.add_argument("--model", type=Path, default=SHIPPED / "model.onnx")
    parser.add_argument("--sheet", type=Path, help="where to draw the pages that are read wrongly, e.g. errors.png")
    arguments = parser.parse_args()
    classifier, validation = DigitClassifier.load(arguments.model), load_local_mnist().validation
    outcomes: list[tuple[float, bool]] = []
    errors: list[Image.Image] = []
    print(
        "| kind | numbers right | digits right | accepted | wrong among accepted | CPU ms |\n|---|---|---|---|---|---|"
    )
    for name, draw in KINDS.items():
        random = np.random.default_rng(zlib.crc32(f"{name}, {arguments.half}".encode()))
        hands = (_hands(validation, random, arguments.half) for _ in range(arguments.count))
        pages = [draw(of_page, random, arguments.half) for of_page in hands]
        row, of_kind, wrong = measure(pages, classifier)
        print(f"| {name} | {row} |", flush=True)
        outcomes += of_kind
        errors += wrong
    error, accuracy, confidence = calibration_error(outcomes)
    print(f"of {len(outcomes)} digits {accuracy:.2%} are right; mean confidence {confidence:.2%}; ECE {error:.2%}")
    print(f"the temperature that suits it best: {fit_temperature(outcomes):.2f}")
    if arguments.sheet and errors:
        columns = [errors[start::6] for start in range(min(6, len(errors)))]
        stack(columns).save(arguments.sheet)


def measure(pages: list[Page], classifier: DigitClassifier) -> tuple[str, list[tuple[float, bool]], list[Image.Image]]:
    """A row of the table; the confidence of each digit that was read, and whether it is right; the errors."""
    numbers = right = found = accepted = wrong = 0
    outcomes, errors = [], []
    start = time.process_time()
    for page in pages:
        with Image.open(io.BytesIO(jpeg(page.picture))) as picture:
            picture.load()
        lines = read(picture, classifier)
        read_digits = [digit for line in lines for digit in line]
        judged = [(digit, is_right(digit, page)) for digit in read_digits]
        outcomes += [(digit.confidence, ok) for digit, ok in judged]
        numbers += len(page.labels)
        found += sum(ok for _, ok in judged)
        accepted += sum(digit.reason is None for digit in read_digits)
        wrong += sum(digit.reason is None and not ok for digit, ok in judged)
        if text_of(lines) == page.text:
            right += 1
        elif len(errors) < 24:
            shown = [(digit.box, str(digit.digit), digit.reason is None) for digit in read_digits]
            drawn = Image.open(io.BytesIO(draw_boxes(picture, shown, reduction=1.0)))
            drawn.thumbnail((300, 300))
            errors.append(drawn)
    cost = (time.process_time() - start) / len(pages)
    shares = f"{found / numbers:.1%} | {accepted / numbers:.1%} | {wrong / max(1, accepted):.1%}"
    return f"{right / len(pages):.1%} | {shares} | {1e3 * cost:.1f}", outcomes, errors


def is_right(digit: ReadDigit, page: Page) -> bool:
    """Whether the digit of the page whose box holds the middle of this one is the same; each counts once by its box."""
    x, y = middle_of(digit.box)
    return any(
        label == digit.digit and left <= x <= right and top <= y <= bottom
        for label, (left, top, right, bottom) in zip(page.labels, page.boxes, strict=True)
    )


def text_of(lines: list[list[ReadDigit]]) -> str:
    return "\n".join("".join((" " if each.follows_dash else "") + str(each.digit) for each in line) for line in lines)


def calibration_error(outcomes: list[tuple[float, bool]]) -> tuple[float, float, float]:
    """The expected calibration error, the accuracy and the mean confidence."""
    ordered = np.array(sorted(outcomes), np.float64)
    bins = np.array_split(ordered, BINS)
    error = sum(len(each) * abs(each[:, 0].mean() - each[:, 1].mean()) for each in bins) / len(ordered)
    return float(error), float(ordered[:, 1].mean()), float(ordered[:, 0].mean())


def fit_temperature(outcomes: list[tuple[float, bool]]) -> float:
    """By which the logits of the confidences must be divided for the outcomes to be likeliest."""
    confidence, is_right = np.array(outcomes, np.float64).T
    logits = logit(confidence.clip(1e-9, 1 - 1e-9))

    def loss(temperature: float) -> float:
        return -float(np.log(np.where(is_right > 0, expit(logits / temperature), expit(-logits / temperature))).mean())

    return float(minimize_scalar(loss, bounds=(0.2, 10), method="bounded").x)


def write(
    hands: list[Hand],
    random: Random,
    half: Half,
    *,
    gaps: tuple[float, float] = (0.1, 0.45),
    sizes: tuple[float, float] = (0.9, 1.1),
    slope: float = 0.0,
    dash: int | None = None,
    sheet: Callable[[tuple[int, int]], Picture] | None = None,
) -> tuple[Page, NDArray[np.float32], float]:
    """A page with one number; also its ink and the height of its digits. `dash` is the digit that follows a dash."""
    height = pick(half, random, 24, 32, 40, 56, 72)
    style = pick(half, random, "pen", "pen", "pen", "pencil", "marker", "pen")
    broadening = random.uniform(0, 0.02) if style == "pen" else 0.0
    glyphs = [hand.write(max(8, round(height * random.uniform(*sizes))), random, style, broadening) for hand in hands]
    margin = round(height * pick(half, random, 0.5, 0.8, 1.2, 1.6))
    places, dashes, x = [], [], float(margin)
    for number, glyph in enumerate(glyphs):
        if number == dash:
            dashes.append((x + 0.1 * height, x + 0.45 * height))
            x += 0.75 * height
        places.append((round(x), slope * x + random.normal(0, 0.03) * height - glyph.shape[0] / 2))
        x += glyph.shape[1] + height * random.uniform(*gaps)
    top = min(y for _, y in places) - margin
    shape = (
        round(max(y + glyph.shape[0] for (_, y), glyph in zip(places, glyphs, strict=True)) - top) + margin,
        round(x) + margin,
    )
    ink = np.zeros(shape, np.float32)
    boxes = []
    for (left, y), glyph in zip(places, glyphs, strict=True):
        row = round(y - top)
        lay(ink, glyph, left, row)
        boxes.append((left, row, left + glyph.shape[1], row + glyph.shape[0]))
    strokes = [straight(start, slope * start - top, end, slope * end - top) for start, end in dashes]
    if strokes:
        ink = np.maximum(ink, draw_lines(shape, strokes, max(1.5, 0.07 * height)))
    ground = paper(shape, random, colour_of(pick(half, random, *PAPERS))) if sheet is None else sheet(shape)
    picture = paint(ground, ink, colour_of(pick(half, random, *INKS)))
    labels = [hand.label for hand in hands]
    groups = [dash, len(hands) - dash] if dash else []
    return Page(picture, labels, boxes, groups), ink, height


def plain(hands: list[Hand], random: Random, half: Half) -> Page:
    return write(hands, random, half)[0]


def form_fields(hands: list[Hand], random: Random, half: Half) -> Page:
    """One digit per box, the boxes joined or apart."""
    page, _, height = write(hands, random, half, gaps=(0.35, 0.55))
    pad, is_joined = height * pick(half, random, 0.12, 0.14, 0.16, 0.18), random.random() < 0.5
    top, bottom = min(box[1] for box in page.boxes) - pad, max(box[3] for box in page.boxes) + pad
    middles = [(before[2] + after[0]) / 2 for before, after in pairwise(page.boxes)]
    edges = [page.boxes[0][0] - 2 * pad, *middles, page.boxes[-1][2] + 2 * pad]
    gap = 0.0 if is_joined else 0.06 * height
    lines = [
        bend(np.array([(a + gap, top), (b - gap, top), (b - gap, bottom), (a + gap, bottom), (a + gap, top)]))
        for a, b in pairwise(edges)
    ]
    return _add(page, lines, max(1.0, height * pick(half, random, 0.02, 0.03, 0.04, 0.05)), random, half)


def underlined(hands: list[Hand], random: Random, half: Half) -> Page:
    page, _, height = write(hands, random, half)
    y = max(box[3] for box in page.boxes) + height * pick(half, random, 0.05, 0.1, 0.15, 0.2)
    reach = height * random.uniform(0, 0.4)
    line = straight(page.boxes[0][0] - reach, y, page.boxes[-1][2] + reach, y + random.normal(0, 0.05) * height)
    return _add(page, [line], max(1.0, height * pick(half, random, 0.03, 0.05, 0.07, 0.09)), random, half)


def on_squares(hands: list[Hand], random: Random, half: Half) -> Page:
    spacing, strength = pick(half, random, 12.0, 16.0, 22.0, 30.0), pick(half, random, 0.3, 0.4, 0.6, 0.7)
    return write(hands, random, half, sheet=lambda shape: squared(paper(shape, random), random, spacing, strength))[0]


def on_rules(hands: list[Hand], random: Random, half: Half) -> Page:
    spacing, strength = pick(half, random, 16.0, 24.0, 36.0, 50.0), pick(half, random, 0.3, 0.5, 0.7, 0.9)
    return write(hands, random, half, sheet=lambda shape: ruled(paper(shape, random), random, spacing, strength))[0]


def in_shadow(hands: list[Hand], random: Random, half: Half) -> Page:
    page = write(hands, random, half)[0]
    through = (random.uniform(0.25, 0.75), random.uniform(0.35, 0.65))
    page.picture = lit(page.picture, hard_shadow(page.shape, random, pick(half, random, 0.4, 0.5, 0.6, 0.7), through))
    return page


def climbing(hands: list[Hand], random: Random, half: Half) -> Page:
    degrees = pick(half, random, 8.0, 12.0, 18.0, 24.0, 28.0, 30.0) * random.choice([-1, 1])
    return write(hands, random, half, slope=float(np.tan(np.radians(degrees))))[0]


def of_many_sizes(hands: list[Hand], random: Random, half: Half) -> Page:
    return write(hands, random, half, sizes=(pick(half, random, 0.5, 0.55, 0.6, 0.65), 1.2))[0]


def with_dash(hands: list[Hand], random: Random, half: Half) -> Page:
    return write(hands, random, half, dash=int(random.integers(1, len(hands))))[0]


def touching(hands: list[Hand], random: Random, half: Half) -> Page:
    return write(hands, random, half, gaps=(-0.06, 0.06))[0]


KINDS: dict[str, Draw] = {
    "on paper": plain,
    "in the fields of a form": form_fields,
    "underlined": underlined,
    "on squared paper": on_squares,
    "on ruled paper": on_rules,
    "hard edge of a shadow": in_shadow,
    "climbing or falling by 8 to 30 degrees": climbing,
    "of different sizes": of_many_sizes,
    "with a dash": with_dash,
    "touching or nearly": touching,
}


def _add(page: Page, lines: list[NDArray[np.float64]], pen: float, random: Random, half: Half) -> Page:
    colour = colour_of(pick(half, random, *LINES))
    page.picture = paint(page.picture, draw_lines(page.shape, lines, pen), colour)
    return page


def _hands(split: Split, random: Random, half: Half) -> list[Hand]:
    """Three to six digits, by writers of this half or by our own pen."""
    own = np.arange(0 if half == "develop" else 1, len(split), 2)
    chosen = own[random.integers(0, len(own), int(random.integers(3, 7)))]
    is_own_pen = random.random() < OWN_PEN_SHARE
    return [Hand(int(split.labels[index]), None if is_own_pen else split.images[index, 0].numpy()) for index in chosen]


if __name__ == "__main__":
    main()
