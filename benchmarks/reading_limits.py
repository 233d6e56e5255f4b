"""Does the network know its limits? python benchmarks/reading_limits.py [--model FILE] [--fashion FOLDER]

Coverage of MNIST's test set, and how well the confidence tells its digits from what is no digit (AUROC: the chance
that a digit has the higher confidence of the two): letters of fonts that no training saw, bent and redrawn by chance;
noise; blank pages; pairs of digits; and Fashion-MNIST where a folder holds its four files (Debian's package
dataset-fashion-mnist puts them into /usr/share/datasets/fashion-mnist). MNIST is where NUMERAL_MNIST_DIR says.
What normalisation rejects (a blank page, several digits) counts as a confidence of zero.
"""

import argparse
import gzip
import string
from pathlib import Path

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from sklearn.metrics import roc_auc_score

from app.config import Settings
from app.registry.service import SHIPPED
from models.inference.acceptance import MIN_PROBABILITY, is_accepted, margin, rejection_reason
from models.inference.classifier import DigitClassifier
from models.pictures.eye import Eye
from models.pictures.mnist_format import Normalised
from models.pictures.normalisation import normalise
from models.training.augmentation import augment
from models.training.calibration import measure_coverage
from models.training.data import load_dataset
from models.training.outliers import LETTER_AUGMENTATION

EYE = Eye.load()

FONTS = ("STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol", "cmr10", "cmss10", "cmtt10", "cmti10")
LIKE_DIGITS = set("BDGIJOQSTZbdfgijloqrsyz")  # a person takes many of these for digits too
Pictures = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description="Does the network know its limits?")
    parser.add_argument("--model", type=Path, default=SHIPPED / "model.onnx")
    parser.add_argument("--fashion", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    arguments = parser.parse_args()
    settings = Settings()
    test = load_dataset("mnist", data_dir=settings.data_dir, mnist_dir=settings.mnist_dir).test
    classifier, digits, labels = DigitClassifier.load(arguments.model), test.images.numpy()[:, 0], test.labels.numpy()
    probabilities = classifier.predict(digits)
    confidences = probabilities.max(axis=1)
    report_coverage(probabilities, probabilities.argmax(axis=1) == labels, classifier.min_margin)
    print(f"{'MNIST test':28} {len(digits):6} pictures   accepted {share_accepted(classifier, digits):7.2%}")
    for name, others in outliers(digits, arguments.fashion).items():
        marks = np.repeat([1, 0], [len(digits), len(others)])
        auroc = roc_auc_score(marks, np.concatenate([confidences, trust(classifier, others)]))
        share = share_accepted(classifier, others)
        print(f"{name:28} {len(others):6} pictures   accepted {share:7.2%}   AUROC {auroc:.4f}")


def report_coverage(probabilities: NDArray[np.float32], is_right: NDArray[np.bool_], least: float) -> None:
    ours = measure_coverage(is_accepted(probabilities, least), is_right)
    print(f"bounds: margin {least:.4f}, probability {MIN_PROBABILITY}")
    print(f"accepted: {ours['coverage']:.2%} of the test set, {ours['accuracy']:.3%} of them right")
    errors = np.cumsum(~is_right[np.argsort(-margin(probabilities), kind="stable")])
    best = np.flatnonzero(errors <= 0.001 * np.arange(1, len(errors) + 1))[-1] + 1
    print(f"the {best / len(errors):.2%} with the largest margins are read with 99.9 % accuracy")


def outliers(digits: Pictures, fashion: Path) -> dict[str, Pictures | list[Normalised]]:
    """Pictures of what is no digit: 28x28, uint8, or normalised to it."""
    torch.manual_seed(1)
    random = np.random.default_rng(1)
    odd: dict[str, Pictures | list[Normalised]] = {
        "letters, all 52": letters(string.ascii_letters),
        "letters, no look-alikes": letters("".join(sorted(set(string.ascii_letters) - LIKE_DIGITS))),
        "noise": random.integers(0, 256, (2000, 28, 28)).astype(np.uint8),
        "smooth noise": smooth_noise(random, 2000),
        "pairs of digits": pairs(digits),
        "blank pages": blank_pages(random),
    }
    if (fashion / "t10k-images-idx3-ubyte.gz").is_file():
        with gzip.open(fashion / "t10k-images-idx3-ubyte.gz") as file:
            odd["Fashion-MNIST test"] = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    return odd


def letters(signs: str) -> Pictures:
    """Every letter in every font, ten times, each bent and redrawn differently; normalised to 28x28."""
    fonts = [Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf") for name in FONTS]
    printed = [letter(ImageFont.truetype(str(font), 90), sign) for font in fonts for sign in signs]
    pixels = torch.from_numpy(np.stack(printed)[:, None]).repeat(10, 1, 1, 1).float() / 255
    return (augment(pixels, LETTER_AUGMENTATION)[:, 0] * 255).round().byte().numpy()


def letter(font: ImageFont.FreeTypeFont, sign: str) -> Pictures:
    page = Image.new("L", (240, 240), 255)
    ImageDraw.Draw(page).text((60, 50), sign, 0, font)
    return normalise(page, EYE).image


def smooth_noise(random: np.random.Generator, count: int) -> Pictures:
    rough = [Image.fromarray(random.integers(0, 256, (5, 5)).astype(np.uint8)) for _ in range(count)]
    return np.stack([np.asarray(picture.resize((28, 28), Image.Resampling.BICUBIC)) for picture in rough])


def pairs(digits: Pictures) -> list[Normalised]:
    """Two digits side by side on one page."""
    both = zip(digits[:500], digits[500:1000], strict=True)
    pages = [Image.fromarray(np.pad(np.hstack([a[:, 3:25], b[:, 3:25]]), 14)) for a, b in both]
    return [normalise(page.resize((page.width * 4, page.height * 4)), EYE) for page in pages]


def blank_pages(random: np.random.Generator) -> list[Normalised]:
    """Sheets of paper with grain and uneven light."""
    shades = np.linspace(0.5, 1, 200)[None, :, None] * np.ones((200, 1, 200))
    pages = np.clip(230 * shades + random.normal(0, 3, shades.shape), 0, 255).astype(np.uint8)
    return [normalise(Image.fromarray(page), EYE) for page in pages]


def trust(classifier: DigitClassifier, pictures: Pictures | list[Normalised]) -> NDArray[np.float32]:
    """The confidence in each; zero where its form alone says that it is no digit."""
    if isinstance(pictures, np.ndarray):
        return classifier.predict(pictures).max(axis=1)
    confidences = classifier.predict(np.stack([picture.image for picture in pictures])).max(axis=1)
    return np.where([picture.rejection_reason is None for picture in pictures], confidences, 0)


def share_accepted(classifier: DigitClassifier, pictures: Pictures | list[Normalised]) -> float:
    images = pictures if isinstance(pictures, np.ndarray) else np.stack([picture.image for picture in pictures])
    forms = [None] * len(images) if isinstance(pictures, np.ndarray) else pictures
    rows = zip(classifier.predict(images), images, forms, strict=True)
    return sum(
        rejection_reason(row, image.astype(np.float32) / 255, classifier.min_margin, form) is None
        for row, image, form in rows
    ) / len(images)


if __name__ == "__main__":
    main()
