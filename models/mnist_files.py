"""Finds the four files of MNIST. Separate from models/training/data.py, which loads torch."""

from collections.abc import Iterable
from pathlib import Path

MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def raw_folders(data_dir: Path, mnist_dir: Path | None) -> list[Path]:
    """The folders that may hold the four files, in the order of the search."""
    return [folder / "MNIST" / "raw" for folder in (data_dir, mnist_dir) if folder is not None]


def find_missing_files(folders: Iterable[Path]) -> list[str]:
    """The names of the files that none of `folders` holds, unpacked or as .gz."""
    searched = list(folders)
    return [
        name
        for name in MNIST_FILES
        if not any((folder / file).is_file() for folder in searched for file in (name, f"{name}.gz"))
    ]
