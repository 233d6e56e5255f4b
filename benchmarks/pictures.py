"""How well is each kind of picture read? python benchmarks/pictures.py [--half judge] [--count 100] [--kinds NAME]
[--sheet errors.png] [--json FILE] [--model FILE] [--split test]

Prints a table: for each kind in picture_kinds/ the share read right, the share accepted, the share of wrong ones among
the accepted, and the CPU time. For kinds that show no digit, right means rejected with a right reason. The digits are
those of MNIST's validation writers and of our own pen; `--split test` takes the test set, for MNIST's own kinds only.
Development (`--half develop`) and judging differ in the digits and in the kinds' settings.
"""

import argparse
import io
import json
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from picture_kinds import KINDS, Half, Hand, Kind
from PIL import Image, ImageDraw, ImageOps

from app.registry.service import SHIPPED
from models.errors import PictureRefused
from models.inference.acceptance import rejection_reason
from models.inference.classifier import DigitClassifier
from models.pictures.eye import Eye
from models.pictures.mnist_format import Normalised
from models.pictures.normalisation import normalise
from models.pictures.opening import open_picture
from models.pictures.overlay import draw_ink
from models.training.data import Split, load_local_mnist

CELL, COLUMNS = 112, 12  # pixels and pictures of the sheet
OWN_PEN_SHARE = 0.3  # of the digits that are not MNIST's


@dataclass(frozen=True)
class Reading:
    """What was read in one picture; `normalised` is None where it was refused."""

    kind: Kind
    label: int
    content: bytes
    normalised: Normalised | None
    digit: int | None
    confidence: float
    reason: str | None
    milliseconds: float  # of CPU time

    @property
    def is_accepted(self) -> bool:
        return self.reason is None

    @property
    def is_right(self) -> bool:
        """The digit was read, or what is none was rejected for a right reason."""
        return self.reason in self.kind.reasons if self.kind.reasons else self.digit == self.label


def main() -> None:
    arguments = parse_arguments()
    classifier, eye = DigitClassifier.load(arguments.model), Eye.load()
    dataset = load_local_mnist()
    readings: dict[str, list[Reading]] = {}
    print("| kind | right | accepted | wrong among accepted | CPU ms |\n|---|---|---|---|---|")
    for kind in select_kinds(arguments.kinds, arguments.split):
        split = dataset.test if arguments.split == "test" else dataset.validation
        pictures = draw_pictures(kind, split, arguments.half, arguments.count)
        readings[kind.name] = [read(kind, label, content, classifier, eye) for label, content in pictures]
        print(describe(kind.name, summarise(readings[kind.name])), flush=True)
    print_means(readings)
    if arguments.json:
        table = {name: summarise(of_kind) for name, of_kind in readings.items()}
        arguments.json.write_text(json.dumps(table, indent=1) + "\n")
    errors = [reading for of_kind in readings.values() for reading in of_kind if not reading.is_right]
    if arguments.sheet and errors:
        draw_sheet(errors).save(arguments.sheet)
        print(f"the errors are shown in {arguments.sheet}")
    if arguments.worst and errors:
        draw_worst(errors).save(arguments.worst)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How well is each kind of picture read?")
    parser.add_argument("--half", choices=["develop", "judge"], default="develop", help="of digits and settings")
    parser.add_argument("--count", type=int, default=100, help="pictures of each kind")
    parser.add_argument("--kinds", default="", help="only kinds whose names contain this")
    parser.add_argument("--split", choices=["validation", "test"], default="validation")
    parser.add_argument("--model", type=Path, default=SHIPPED / "model.onnx", help="an ONNX file of `numeral train`")
    parser.add_argument("--sheet", type=Path, help="where to draw the errors, e.g. errors.png")
    parser.add_argument("--worst", type=Path, help="where to draw the ten worst errors with their ink, e.g. worst.png")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def select_kinds(part: str, split: str) -> list[Kind]:
    """The kinds whose names contain `part`; on the test set, only those that show MNIST itself."""
    return [kind for kind in KINDS if part in kind.name and (kind.is_mnist or split != "test")]


def draw_pictures(kind: Kind, split: Split, half: Half, count: int) -> Iterator[tuple[int, bytes]]:
    """Labels and encoded pictures of a kind, the same in every run: every digit equally often."""
    random = np.random.default_rng(zlib.crc32(f"{kind.name}, {half}".encode()))
    own = np.arange(0 if half == "develop" else 1, len(split), 2)
    images, labels = split.images.numpy()[own, 0], split.labels.numpy()[own]
    for number in range(count):
        label = number % 10
        is_own_pen = not kind.is_mnist and random.random() < OWN_PEN_SHARE
        image = None if is_own_pen else images[random.choice(np.flatnonzero(labels == label))]
        yield label, kind.draw(Hand(label, image), random, half)


def read(kind: Kind, label: int, content: bytes, classifier: DigitClassifier, eye: Eye) -> Reading:
    start = time.process_time()
    try:
        normalised = normalise(open_picture(content), eye)
    except PictureRefused as error:
        return Reading(kind, label, content, None, None, 0.0, str(error), 0.0)
    probabilities = classifier.predict(normalised.image[None])[0]
    pixels = normalised.image.astype(np.float32) / np.float32(255)
    reason = rejection_reason(probabilities, pixels, classifier.min_margin, normalised)
    milliseconds = 1e3 * (time.process_time() - start)
    digit, confidence = int(probabilities.argmax()), float(probabilities.max())
    return Reading(kind, label, content, normalised, digit, confidence, reason, milliseconds)


def summarise(readings: list[Reading]) -> dict[str, float]:
    """The figures of one kind: shares in 0..1 and milliseconds."""
    accepted = [reading for reading in readings if reading.is_accepted]
    wrong = sum(not reading.is_right for reading in accepted)
    return {
        "right": sum(reading.is_right for reading in readings) / len(readings),
        "accepted": len(accepted) / len(readings),
        "wrong_among_accepted": wrong / max(1, len(accepted)),
        "milliseconds": sum(reading.milliseconds for reading in readings) / len(readings),
    }


def print_means(readings: dict[str, list[Reading]]) -> None:
    """The means over the kinds with a digit, and over those without."""
    for name, is_digit in (("**mean of kinds with a digit**", True), ("**mean of kinds without**", False)):
        chosen = [summarise(of_kind) for of_kind in readings.values() if is_digit != bool(of_kind[0].kind.reasons)]
        if chosen:
            print(describe(name, {key: float(np.mean([figures[key] for figures in chosen])) for key in chosen[0]}))


def describe(name: str, figures: dict[str, float]) -> str:
    """A row of the table."""
    shares = " | ".join(f"{100 * figures[key]:.1f} %" for key in ("right", "accepted", "wrong_among_accepted"))
    return f"| {name} | {shares} | {figures['milliseconds']:.1f} |"


def draw_sheet(readings: list[Reading]) -> Image.Image:
    """Every error: the picture with the ink's box, the 28x28 that the network saw, and what was read."""
    rows = -(-len(readings) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL, rows * (2 * CELL + 26)), "white")
    for number, reading in enumerate(readings):
        x, y = number % COLUMNS * CELL, number // COLUMNS * (2 * CELL + 26)
        sheet.paste(show(reading), (x, y))
        if reading.normalised is not None:
            seen = Image.fromarray(reading.normalised.image).resize((CELL - 4, CELL - 4), Image.Resampling.NEAREST)
            sheet.paste(seen, (x, y + CELL))
        read = f"{reading.label}: {reading.digit} {reading.confidence:.2f} {reading.reason or 'accepted'}"
        text = f"{reading.kind.name[:18]}\n{read[:22]}"
        ImageDraw.Draw(sheet).multiline_text((x + 2, y + 2 * CELL), text, "black", spacing=0)
    return sheet


def draw_worst(readings: list[Reading]) -> Image.Image:
    """The ten worst errors, at most one of a kind, the accepted ones first: the ink that was taken, in blue."""
    ordered = sorted(readings, key=lambda each: (each.is_accepted, each.confidence), reverse=True)
    of_kinds = {each.kind.name: each for each in reversed(ordered)}
    worst = sorted(of_kinds.values(), key=lambda each: (each.is_accepted, each.confidence), reverse=True)[:10]
    side = 2 * CELL
    sheet = Image.new("RGB", (5 * side, 2 * (side + 28)), "white")
    for number, reading in enumerate(worst):
        x, y = number % 5 * side, number // 5 * (side + 28)
        if reading.normalised is not None and reading.normalised.evidence is not None:
            drawn = Image.open(io.BytesIO(draw_ink(reading.normalised, reading.normalised.evidence)))
            drawn.thumbnail((side - 6, side - 6))
            sheet.paste(drawn, (x, y))
        end = "accepted" if reading.is_accepted else str(reading.reason)
        text = (
            f"{number + 1} {reading.kind.name[:33]}\n{reading.label}: {reading.digit} {reading.confidence:.2f}, {end}"
        )
        ImageDraw.Draw(sheet).multiline_text((x + 2, y + side - 4), text, "black", spacing=0)
    return sheet


def show(reading: Reading) -> Image.Image:
    """The upright picture with the box of its ink, as a thumbnail."""
    with Image.open(io.BytesIO(reading.content)) as opened:
        picture = ImageOps.exif_transpose(opened)
        picture = Image.fromarray((np.asarray(picture) // 256).astype(np.uint8)) if picture.mode == "I;16" else picture
        picture = picture.convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "#d0d0d0"), picture).convert("RGB")
    if reading.normalised is not None and reading.normalised.box is not None:
        ImageDraw.Draw(picture).rectangle(reading.normalised.box, outline="red", width=max(1, max(picture.size) // 150))
    scale = (CELL - 4) / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST)


if __name__ == "__main__":
    main()
