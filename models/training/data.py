"""The data sets as tensors in memory: MNIST, and the optdigits of scikit-learn.

Each is split into training, validation and test pictures. MNIST's validation pictures are those of 46 writers of its
training set (5,030 digits, whose indices in mnist_validation.json come from the writer ids of QMNIST). No writer is on
both sides, as with MNIST's own test set: on a random split the accuracy would be too high.
"""

import hashlib
import json
import os
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from models.errors import DatasetUnavailable
from models.mnist_files import MNIST_FILES

if TYPE_CHECKING:
    from torchvision.datasets import MNIST

VALIDATION_INDICES = Path(__file__).with_name("mnist_validation.json")
DOWNLOAD_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Split:
    """Pictures, uint8 (count, 1, 28, 28), bright ink on dark, and their digits, int64 (count,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Split":
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Dataset:
    """A named data set; `sha256` is that of every picture and label in the order in which they are stored."""

    name: str
    sha256: str
    train: Split
    validation: Split
    test: Split


def load_dataset(name: str, *, data_dir: Path, mnist_dir: Path | None = None) -> Dataset:
    """Returns the data set `mnist` or `optdigits`.

    MNIST comes from `data_dir`, else from `mnist_dir` (only read, never written), else from the mirrors in torchvision.
    Raises DatasetUnavailable, which names the files and the folders.
    """
    return load_optdigits() if name == "optdigits" else load_mnist(data_dir, mnist_dir)


def load_local_mnist() -> Dataset:
    """Returns MNIST for a command that runs in this repository: from the folder `data` or from NUMERAL_MNIST_DIR."""
    folder = os.environ.get("NUMERAL_MNIST_DIR")
    return load_mnist(Path("data"), Path(folder) if folder else None)


def load_mnist(data_dir: Path, mnist_dir: Path | None = None) -> Dataset:
    _install_mnist(data_dir, mnist_dir)
    try:
        train, test = (import_mnist()(str(data_dir), train=part) for part in (True, False))
        splits = [Split(part.data.unsqueeze(1), part.targets) for part in (train, test)]
        if [len(split) for split in splits] != [60_000, 10_000]:
            raise ValueError("wrong number of pictures")
    except (RuntimeError, ValueError, OSError, AssertionError) as error:
        raise DatasetUnavailable(
            f"The MNIST files in {data_dir / 'MNIST' / 'raw'} are damaged ({error}). Remove that folder and try again."
        ) from error
    held_out = torch.zeros(60_000, dtype=torch.bool)
    held_out[json.loads(VALIDATION_INDICES.read_text())["val_indices"]] = True
    return Dataset(
        name="mnist",
        sha256=_digest(splits),
        train=Split(splits[0].images[~held_out], splits[0].labels[~held_out]),
        validation=Split(splits[0].images[held_out], splits[0].labels[held_out]),
        test=splits[1],
    )


def load_optdigits() -> Dataset:
    """Returns 1,797 digits of 8x8 pixels and 17 grey levels, scaled to 20x20 and centred in 28x28 as MNIST's are."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.stack([_enlarge(picture) for picture in digits.images])
    everything = Split(images, torch.from_numpy(digits.target.astype(np.int64)))
    order = torch.randperm(len(everything), generator=torch.Generator().manual_seed(0))
    train, validation, test = (
        Split(everything.images[part], everything.labels[part]) for part in order.split([1197, 300, 300])
    )
    return Dataset("optdigits", _digest([everything]), train, validation, test)


def _enlarge(picture: np.ndarray) -> Tensor:
    small = Image.fromarray((picture * (255 / 16)).round().astype(np.uint8))
    canvas = Image.new("L", (28, 28))
    canvas.paste(small.resize((20, 20), Image.Resampling.BICUBIC), (4, 4))
    return torch.from_numpy(np.array(canvas)).unsqueeze(0)


def _digest(splits: list[Split]) -> str:
    digest = hashlib.sha256()
    for split in splits:
        digest.update(split.images.numpy().tobytes())
        digest.update(split.labels.numpy().tobytes())
    return digest.hexdigest()


def _install_mnist(data_dir: Path, mnist_dir: Path | None) -> None:
    """Put the four files into `data_dir`/MNIST/raw: all at once or not at all, since two workers may race."""
    target = data_dir / "MNIST" / "raw"
    if all((target / name).is_file() for name in MNIST_FILES):
        return
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data_dir, prefix=".mnist-") as scratch:
        raw = Path(scratch) / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for folder in (target, *([mnist_dir / "MNIST" / "raw"] if mnist_dir else [])):
            for name in MNIST_FILES:
                for file in (folder / name, folder / f"{name}.gz"):
                    if file.is_file():
                        shutil.copyfile(file, raw / file.name)
        _verify_and_unpack(Path(scratch), target, mnist_dir)
        _replace_folder(raw, target)


def _verify_and_unpack(scratch: Path, target: Path, mnist_dir: Path | None) -> None:
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)  # torchvision sets none
    try:
        import_mnist()(str(scratch), download=True)
    except (RuntimeError, OSError) as error:
        wanted = ", ".join(f"{name}.gz" for name in MNIST_FILES)
        folders = f"{target}" + (f" and {mnist_dir / 'MNIST' / 'raw'}" if mnist_dir else "")
        raise DatasetUnavailable(
            f"MNIST was not found in {folders} and could not be downloaded ({error}). Put the four files "
            f"{wanted} into {target}, or set NUMERAL_MNIST_DIR to a folder that holds them in MNIST/raw."
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)


def _replace_folder(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(source, target)
    except OSError:  # the target has files in it: an incomplete copy, or another worker was first
        for file in source.iterdir():
            os.replace(file, target / file.name)


def import_mnist() -> "type[MNIST]":
    """Returns torchvision's MNIST class, also where its compiled operators do not fit this torch."""
    try:
        from torchvision.datasets import MNIST
    except RuntimeError:
        # With a CPU build of torch and PyPI's torchvision, whose operators need CUDA, torchvision's import refers to
        # two operators that nobody declared. Declaring them is enough: nothing here calls them.
        _OPERATORS.append(torch.library.Library("torchvision", "DEF"))
        _OPERATORS[0].define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _OPERATORS[0].define(
            "qnms(Tensor dets, Tensor scores, float iou_threshold, float dets_scale, int dets_zero_point) -> Tensor"
        )
        from torchvision.datasets import MNIST
    mnist: type[MNIST] = MNIST
    return mnist


_OPERATORS: list[torch.library.Library] = []  # keeps the declarations: each ends with its Library
