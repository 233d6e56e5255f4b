import gzip
import shutil
from pathlib import Path

import pytest

from models.errors import DatasetUnavailable
from models.training.data import MNIST_FILES, Dataset, load_dataset


def test_mnist_is_split_three_ways(mnist: Dataset) -> None:
    assert [len(part) for part in (mnist.train, mnist.validation, mnist.test)] == [54_970, 5_030, 10_000]
    assert tuple(mnist.train.images.shape[1:]) == (1, 28, 28)
    assert float(mnist.train.images.float().mean()) / 255 == pytest.approx(0.1307, abs=0.001)
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_optdigits_look_like_mnist(optdigits: Dataset) -> None:
    assert [len(part) for part in (optdigits.train, optdigits.validation, optdigits.test)] == [1197, 300, 300]
    images = optdigits.train.images
    assert images.max() == 255
    assert int(images[:, :, :4].max()) == int(images[:, :, :, 24:].max()) == 0  # the margin of four pixels


@pytest.mark.usefixtures("no_mirrors")
def test_missing_mnist_names_the_files_and_the_folders(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable) as caught:
        load_dataset("mnist", data_dir=tmp_path / "data", mnist_dir=tmp_path / "elsewhere")
    sentence = str(caught.value)
    assert all(f"{name}.gz" in sentence for name in MNIST_FILES)
    assert str(tmp_path / "data" / "MNIST" / "raw") in sentence
    assert str(tmp_path / "elsewhere" / "MNIST" / "raw") in sentence
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.usefixtures("no_mirrors")
def test_damaged_mnist_is_not_used(tmp_path: Path, mnist_dir: Path) -> None:
    shutil.copytree(mnist_dir / "MNIST" / "raw", tmp_path / "MNIST" / "raw")
    damaged = tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    damaged.chmod(0o600)
    damaged.write_bytes(gzip.compress(b"not labels"))
    with pytest.raises(DatasetUnavailable):
        load_dataset("mnist", data_dir=tmp_path / "data", mnist_dir=tmp_path)
