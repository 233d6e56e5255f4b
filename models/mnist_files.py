"""Where the files of MNIST are looked for. Apart from `data`, which loads torch."""

from collections.abc import Iterable
from pathlib import Path

MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def raw_folders(data_dir: Path, mnist_dir: Path | None) -> list[Path]:
    """The folders that may hold the four files, in the order in which they are looked at."""
    return [folder / "MNIST" / "raw" for folder in (data_dir, mnist_dir) if folder is not None]


def missing_files(folders: Iterable[Path]) -> list[str]:
    """Which of the four are in none of `folders`, neither unpacked nor as .gz."""
    places = list(folders)
    return [
        name
        for name in MNIST_FILES
        if not any((folder / file).is_file() for folder in places for file in (name, f"{name}.gz"))
    ]
