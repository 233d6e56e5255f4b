"""How many random numbers are read fully right? python benchmarks/reading.py [--count 1000] [--model FILE] [--sheet F]

Five digits of MNIST's test set at their own size, side by side, each moved up or down by up to 2 pixels. The gap
between the boxes of neighbours' ink is drawn evenly: 2 to 8 pixels (natural), 0 to 1 (close: most touch), and below
zero, where all four pairs of boxes overlap by 1 to 2 or by 1 to 4 pixels (of digits 20 pixels tall). MNIST is where
NUMERAL_MNIST_DIR says; `--split validation` takes the writers on whom the constants were chosen.
"""

import argparse
import io
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.config import Settings
from app.registry.service import SHIPPED
from models.inference.classifier import DigitClassifier
from models.inference.line_reader import LineReader
from models.inference.reading import ReadDigit, choose_digits
from models.inference.segmentation import segment
from models.pictures.eye import Eye
from models.pictures.overlay import draw_boxes
from models.training.data import Split, load_dataset

GAPS = {"natural": (2, 8), "close": (0, 1), "overlap of 1 to 2": (-2, -1), "overlap of 1 to 4": (-4, -1)}
DIGITS, JITTER, MARGIN = 5, 2, 12
SEED = 2026
READER, EYE = LineReader.load(), Eye.load()
Page = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description="How many random numbers are read fully right?")
    parser.add_argument("--count", type=int, default=1000, help="numbers of each spacing")
    parser.add_argument("--split", choices=["test", "validation"], default="test")
    parser.add_argument("--model", type=Path, default=SHIPPED / "model.onnx")
    parser.add_argument("--sheet", type=Path, help="where to draw the first numbers with their boxes, e.g. boxes.png")
    arguments = parser.parse_args()
    settings, classifier = Settings(), DigitClassifier.load(arguments.model)
    dataset = load_dataset("mnist", data_dir=settings.data_dir, mnist_dir=settings.mnist_dir)
    split = dataset.test if arguments.split == "test" else dataset.validation
    alone = classifier.predict(split.images.numpy()[:, 0]).argmax(axis=1) == split.labels.numpy()
    print(f"digits alone: {alone.mean():.2%}, so five in a row at best about {alone.mean() ** DIGITS:.2%}")
    shown = [measure(name, split, classifier, arguments.count) for name in GAPS]
    if arguments.sheet:
        stack(shown).save(arguments.sheet)


def measure(name: str, split: Split, classifier: DigitClassifier, count: int) -> list[Image.Image]:
    """Prints the figures of one spacing; the first pages with their boxes."""
    random = np.random.default_rng(SEED)
    right = whole = 0
    shown = []
    start = time.process_time()
    for number in range(count):
        page, label = write(split, random, GAPS[name])
        lines = read(Image.fromarray(page), classifier)
        text = "\n".join("".join(str(digit.digit) for digit in line) for line in lines)
        right += text == label
        whole += len(text) == len(label)
        if number < 8:
            shown.append(show(page, lines))
    cost = (time.process_time() - start) / count
    found = f"five digits found {whole / count:7.2%}   {cost * 1e3:.0f} ms CPU"
    print(f"{name:20} {right:5} of {count}  {right / count:7.2%}   {found}")
    return shown


def write(split: Split, random: np.random.Generator, gaps: tuple[int, int]) -> tuple[Page, str]:
    chosen = random.integers(0, len(split), DIGITS)
    page = np.zeros((28 + 2 * (MARGIN + JITTER), 30 * DIGITS + 2 * MARGIN + 40), np.uint8)
    x = MARGIN
    for place, index in enumerate(chosen):
        image = split.images[index, 0].numpy()
        columns = np.flatnonzero(image.any(axis=0))
        ink = image[:, columns[0] : columns[-1] + 1]
        y = MARGIN + JITTER + int(random.integers(-JITTER, JITTER + 1))
        x += int(random.integers(gaps[0], gaps[1] + 1)) if place else 0
        under = page[y : y + 28, x : x + ink.shape[1]]
        np.maximum(under, ink, out=under)
        x += ink.shape[1]
    return page[:, : x + MARGIN], "".join(str(int(split.labels[index])) for index in chosen)


def read(picture: Image.Image, classifier: DigitClassifier) -> list[list[ReadDigit]]:
    found = segment(picture, READER, EYE)
    return choose_digits(found, classifier.probabilities(found.pixels()), classifier.min_margin)


def show(page: Page, lines: list[list[ReadDigit]]) -> Image.Image:
    digits = [(digit.box, str(digit.digit), digit.reason is None) for line in lines for digit in line]
    return Image.open(io.BytesIO(draw_boxes(Image.fromarray(page), digits, reduction=1.0)))


def stack(columns: list[list[Image.Image]]) -> Image.Image:
    width = max(picture.width for column in columns for picture in column)
    height = max(picture.height for column in columns for picture in column)
    sheet = Image.new("RGB", (width * len(columns), height * max(map(len, columns))))
    for x, column in enumerate(columns):
        for y, picture in enumerate(column):
            sheet.paste(picture, (x * width, y * height))
    return sheet


if __name__ == "__main__":
    main()
