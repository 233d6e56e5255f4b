"""Draws the pictures on which every finished network is measured: make probe

Writes models/pretrained/pictures.npz, and pictures.json beside it, which says what they are. Each kind of
picture_kinds/ that shows a digit gives EACH pictures of its development half: digits of MNIST's validation writers and
of our own pen, never of the test set, and no photo. They are kept as the network sees them, brought to 28x28 by the
eye. Those that it refuses, or rejects by the shape of their ink, are left out.
"""

import hashlib
import json

import numpy as np
from picture_kinds import KINDS
from pictures import draw_pictures

from models.errors import PictureRefused
from models.inference.picture_probe import PROBE_FILE, digest
from models.pictures.eye import Eye
from models.pictures.mnist_format import Normalised
from models.pictures.normalisation import normalise
from models.pictures.opening import open_picture
from models.training.data import load_local_mnist

EACH = 7  # of ten, one of each digit, that are drawn of a kind; which seven changes from kind to kind


def main() -> None:
    eye, validation = Eye.load(), load_local_mnist().validation
    kinds = [kind for kind in KINDS if not kind.reasons]
    images, labels = [], []
    for number, kind in enumerate(kinds):
        for label, content in draw_pictures(kind, validation, "develop", 10):
            if (label + number) % 10 < EACH and (seen := see(content, eye)) is not None:
                images.append(seen.image)
                labels.append(label)
    drawn, answers = np.stack(images), np.array(labels, np.uint8)
    np.savez_compressed(PROBE_FILE, allow_pickle=False, images=drawn, labels=answers)
    facts = {
        "what": "28x28 pictures of digits as the eye gives them, uint8, bright ink on dark, and their labels",
        "made_by": "make probe (benchmarks/picture_probe.py)",
        "from": "benchmarks/picture_kinds, development half: digits of MNIST's validation writers and our own pen",
        "kinds": len(kinds),
        "pictures": len(answers),
        "of_each_digit": np.bincount(answers, minlength=10).tolist(),
        "probe_sha256": digest(drawn, answers),
        "file_sha256": hashlib.sha256(PROBE_FILE.read_bytes()).hexdigest(),
    }
    PROBE_FILE.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")
    print(f"{len(answers)} pictures of {len(kinds)} kinds, {PROBE_FILE.stat().st_size:,} bytes")


def see(content: bytes, eye: Eye) -> Normalised | None:
    try:
        normalised = normalise(open_picture(content), eye)
    except PictureRefused:
        return None
    return normalised if normalised.rejection_reason is None else None


if __name__ == "__main__":
    main()
