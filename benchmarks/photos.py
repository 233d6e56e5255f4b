"""How well pictures of digits are read: python benchmarks/photos.py DIR [--model FILE] [--sheet errors.png]

DIR holds one folder per digit, `<digit>/<picture>`. Prints the share read right, the share that is accepted and how
many of those are right; the sheet shows every error: the picture with the ink's box, the 28x28 that the network saw,
and what it read. Uses the network that ships, without a service.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from app.registry.service import SHIPPED
from models.errors import PictureRefused
from models.inference.acceptance import rejection_reason
from models.inference.classifier import DigitClassifier
from models.pictures.eye import Eye
from models.pictures.mnist_format import Normalised
from models.pictures.normalisation import normalise
from models.pictures.opening import open_picture

EYE = Eye.load()

CELL, COLUMNS = 160, 8


@dataclass(frozen=True)
class Reading:
    """What was read in one picture; `normalised` is None where it could not be decoded."""

    path: Path
    label: int
    normalised: Normalised | None
    digit: int | None
    confidence: float
    reason: str | None

    @property
    def is_right(self) -> bool:
        return self.digit == self.label


def main() -> None:
    arguments = parse_arguments()
    classifier = DigitClassifier.load(arguments.model)
    paths = sorted(path for path in arguments.folder.glob("[0-9]/*") if path.is_file())
    if not paths:
        raise SystemExit(
            f"error: {arguments.folder} holds no pictures; it must have folders 0 to 9 with pictures in them."
        )
    readings = [read(path, classifier) for path in paths]
    report(readings)
    errors = [reading for reading in readings if not reading.is_right]
    if arguments.sheet and errors:
        draw_sheet(errors).save(arguments.sheet)
        print(f"the errors are shown in {arguments.sheet}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How well are these pictures of digits read?")
    parser.add_argument("folder", type=Path, help="holds <digit>/<picture>")
    parser.add_argument("--model", type=Path, default=SHIPPED / "model.onnx", help="an ONNX file of `numeral train`")
    parser.add_argument("--sheet", type=Path, help="where to draw the errors, e.g. errors.png")
    return parser.parse_args()


def read(path: Path, classifier: DigitClassifier) -> Reading:
    label = int(path.parent.name)
    try:
        normalised = normalise(open_picture(path.read_bytes()), EYE)
    except PictureRefused as error:
        return Reading(path, label, None, None, 0.0, str(error))
    probabilities = classifier.predict(normalised.image[None])[0]
    pixels = normalised.image.astype(np.float32) / 255
    reason = rejection_reason(probabilities, pixels, classifier.min_margin, normalised)
    return Reading(path, label, normalised, int(probabilities.argmax()), float(probabilities.max()), reason)


def report(readings: list[Reading]) -> None:
    for digit in sorted({reading.label for reading in readings}):
        print_line(f"digit {digit}", [reading for reading in readings if reading.label == digit])
    print_line("all", readings)
    accepted = [reading for reading in readings if reading.reason is None]
    print(f"accepted   {len(accepted):5} of {len(readings):5}  {len(accepted) / len(readings):7.2%}")
    if accepted:
        print_line("of those", accepted)
    for reading in readings:
        if not reading.is_right:
            print(f"  {reading.path}: read {reading.digit} ({reading.confidence:.2f}), {reading.reason or 'accepted'}")


def print_line(name: str, readings: list[Reading]) -> None:
    right = sum(reading.is_right for reading in readings)
    print(f"{name:10} {right:5} of {len(readings):5}  {right / len(readings):7.2%}")


def draw_sheet(readings: list[Reading]) -> Image.Image:
    rows = -(-len(readings) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL, rows * (2 * CELL + 16)), "white")
    for number, reading in enumerate(readings):
        x, y = number % COLUMNS * CELL, number // COLUMNS * (2 * CELL + 16)
        if reading.normalised is not None:
            sheet.paste(show(reading), (x, y))
            seen = Image.fromarray(reading.normalised.image).resize((CELL - 4, CELL - 4), Image.Resampling.NEAREST)
            sheet.paste(seen, (x, y + CELL))
        text = f"{reading.label}/{reading.path.stem[:10]}: {reading.digit} {reading.confidence:.2f}"
        ImageDraw.Draw(sheet).text((x + 2, y + 2 * CELL), text, "black")
    return sheet


def show(reading: Reading) -> Image.Image:
    """The upright picture with the box of its ink."""
    with Image.open(reading.path) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    if reading.normalised is not None and reading.normalised.box is not None:
        ImageDraw.Draw(picture).rectangle(reading.normalised.box, outline="red", width=max(1, max(picture.size) // 150))
    picture.thumbnail((CELL - 4, CELL - 4))
    return picture


if __name__ == "__main__":
    main()
