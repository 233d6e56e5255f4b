"""The data sets as tensors in memory: MNIST and others in its form, the optdigits of scikit-learn, and those of users.

Each is split into training, validation and test pictures. MNIST's validation pictures are those of 46 writers of its
training set (5,030 digits, whose indices in mnist_validation.json come from the writer ids of QMNIST). No writer is on
both sides, as with MNIST's own test set: on a random split the accuracy would be too high.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from models.datasets.built_in import BUILT_IN
from models.datasets.pictures import SPLITS, LabelledPictures, require_trainable
from models.datasets.pictures import split as divide
from models.errors import DatasetUnavailable
from models.mnist_files import MNIST_FILES

if TYPE_CHECKING:
    from torchvision.datasets import MNIST

VALIDATION_INDICES = Path(__file__).with_name("mnist_validation.json")
DOWNLOAD_TIMEOUT_SECONDS = 20.0
TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}  # classes, and their folders


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
    mixed: dict[str, Any] | None = None  # what was added to `train`: {name, sha256, share, pictures}


def load_dataset(name: str, *, data_dir: Path, mnist_dir: Path | None = None) -> Dataset:
    """Returns a data set of BUILT_IN.

    MNIST, and the others in its form, come from `data_dir`, else from `mnist_dir` (only read, never written), else from
    the mirrors in torchvision. Raises DatasetUnavailable, which names the files and the folders.
    """
    if name == "optdigits":
        return load_optdigits()
    if name == "mnist":
        return load_mnist(data_dir, mnist_dir)
    if name not in TORCHVISION:
        raise DatasetUnavailable(
            f"There is no data set {name!r} on this machine; there are {', '.join(BUILT_IN)}. Those that were uploaded "
            "are with the service: submit a job there."
        )
    return load_like_mnist(name, data_dir, mnist_dir)


def from_pictures(name: str, sha256: str, pictures: LabelledPictures) -> Dataset:
    """Returns a user's data set. Raises DatasetUnusable."""
    require_trainable(name, pictures.counts, pictures.split_sizes)
    train, validation, test = (
        Split(
            torch.from_numpy(pictures.images[pictures.splits == number]).unsqueeze(1),
            torch.from_numpy(pictures.labels[pictures.splits == number].astype(np.int64)),
        )
        for number in range(len(SPLITS))
    )
    return Dataset(name, sha256, train, validation, test)


def mix_in(dataset: Dataset, other: Dataset, share: float) -> Dataset:
    """Returns `dataset` with a share of the training pictures of `other`, 0..1, always the same ones, among its own."""
    order = torch.randperm(len(other.train), generator=torch.Generator().manual_seed(0))
    chosen = order[: round(share * len(other.train))]
    train = Split(
        torch.cat([dataset.train.images, other.train.images[chosen]]),
        torch.cat([dataset.train.labels, other.train.labels[chosen]]),
    )
    mixed = {"name": other.name, "sha256": other.sha256, "share": share, "pictures": len(chosen)}
    return replace(dataset, train=train, mixed=mixed)


def load_local_mnist() -> Dataset:
    """Returns MNIST for a command that runs in this repository: from the folder `data` or from NUMERAL_MNIST_DIR."""
    folder = os.environ.get("NUMERAL_MNIST_DIR")
    return load_mnist(Path("data"), Path(folder) if folder else None)


def load_mnist(data_dir: Path, mnist_dir: Path | None = None) -> Dataset:
    splits = _read_splits("mnist", data_dir, mnist_dir)
    if [len(split) for split in splits] != [60_000, 10_000]:
        raise _damaged("mnist", data_dir, "wrong number of pictures")
    held_out = torch.zeros(60_000, dtype=torch.bool)
    held_out[json.loads(VALIDATION_INDICES.read_text())["val_indices"]] = True
    return Dataset(
        name="mnist",
        sha256=_digest(splits),
        train=Split(splits[0].images[~held_out], splits[0].labels[~held_out]),
        validation=Split(splits[0].images[held_out], splits[0].labels[held_out]),
        test=splits[1],
    )


def load_like_mnist(name: str, data_dir: Path, mnist_dir: Path | None = None) -> Dataset:
    """Returns `fashion-mnist` or `kmnist`. Their validation pictures are chosen as those of a user's data set."""
    splits = _read_splits(name, data_dir, mnist_dir)
    images, labels = (torch.cat([getattr(split, part) for split in splits]) for part in ("images", "labels"))
    is_test = np.arange(len(labels)) >= len(splits[0])
    divided = divide(images[:, 0].numpy(), labels.numpy().astype(np.uint8), is_test)
    return from_pictures(name, _digest(splits), divided)


def _read_splits(name: str, data_dir: Path, mnist_dir: Path | None) -> list[Split]:
    """Returns the training and the test pictures. Raises DatasetUnavailable."""
    _install(name, data_dir, mnist_dir)
    try:
        parts = [import_torchvision(name)(str(data_dir), train=is_train) for is_train in (True, False)]
        splits = [Split(part.data.unsqueeze(1), part.targets) for part in parts]
        if any(len(split.images) != len(split.labels) or not len(split) for split in splits):
            raise ValueError("wrong number of pictures")
    except (RuntimeError, ValueError, OSError, AssertionError) as error:
        raise _damaged(name, data_dir, error) from error
    return splits


def _damaged(name: str, data_dir: Path, reason: object) -> DatasetUnavailable:
    return DatasetUnavailable(
        f"The files of {name} in {data_dir / TORCHVISION[name] / 'raw'} are damaged ({reason}). Remove that folder and "
        "try again."
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


def _install(name: str, data_dir: Path, mnist_dir: Path | None) -> None:
    """Put the four files into a folder of `data_dir`: all at once or not at all, since two workers may race."""
    folder = Path(TORCHVISION[name]) / "raw"
    target = data_dir / folder
    if all((target / file).is_file() for file in MNIST_FILES):
        return
    data_dir.mkdir(parents=True, exist_ok=True)
    sources = [target, *([mnist_dir / folder] if mnist_dir else [])]
    with tempfile.TemporaryDirectory(dir=data_dir, prefix=f".{name}-") as scratch:
        raw = Path(scratch) / folder
        raw.mkdir(parents=True)
        for source in sources:
            for file_name in MNIST_FILES:
                for file in (source / file_name, source / f"{file_name}.gz"):
                    if file.is_file():
                        shutil.copyfile(file, raw / file.name)
        _verify_and_unpack(name, Path(scratch), sources)
        _replace_folder(raw, target)


def _verify_and_unpack(name: str, scratch: Path, sources: list[Path]) -> None:
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)  # torchvision sets none
    try:
        import_torchvision(name)(str(scratch), download=True)
    except (RuntimeError, OSError) as error:
        wanted = ", ".join(f"{file}.gz" for file in MNIST_FILES)
        raise DatasetUnavailable(
            f"{name} was not found in {' and '.join(map(str, sources))} and could not be downloaded "
            f"({_why_not(error)}). Put the four files {wanted} into {sources[0]}, or set NUMERAL_MNIST_DIR to a folder "
            f"that holds them in {TORCHVISION[name]}/raw."
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)


def _why_not(error: Exception) -> str:
    """Why torchvision could not download: the reason at each mirror, in one line and without Python's marks."""
    tried = re.findall(r"Tried (\S+), got:\n(.*)", str(error))
    reasons = "; ".join(f"{urlsplit(mirror).hostname}: {reason}" for mirror, reason in tried) or str(error)
    return " ".join(re.sub(r"<urlopen error (.*?)>", r"\1", re.sub(r"\[.*?\] | \(_ssl\.c:\d+\)", "", reasons)).split())


def _replace_folder(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(source, target)
    except OSError:  # the target has files in it: an incomplete copy, or another worker was first
        for file in source.iterdir():
            os.replace(file, target / file.name)


def import_mnist() -> "type[MNIST]":
    return import_torchvision("mnist")


def import_torchvision(name: str) -> "type[MNIST]":
    """Returns torchvision's class of a data set, also where its compiled operators do not fit this torch."""
    try:
        from torchvision import datasets
    except RuntimeError:
        # With a CPU build of torch and PyPI's torchvision, whose operators need CUDA, torchvision's import refers to
        # two operators that nobody declared. Declaring them is enough: nothing here calls them.
        _OPERATORS.append(torch.library.Library("torchvision", "DEF"))
        _OPERATORS[0].define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _OPERATORS[0].define(
            "qnms(Tensor dets, Tensor scores, float iou_threshold, float dets_scale, int dets_zero_point) -> Tensor"
        )
        from torchvision import datasets
    found: type[MNIST] = getattr(datasets, TORCHVISION[name])
    return found


_OPERATORS: list[torch.library.Library] = []  # keeps the declarations: each ends with its Library
