import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from models.errors import DatasetUnavailable
from models.training.data import MNIST_FILES, Dataset, import_torchvision, load_dataset, mix_in
from tests.uploads import idx_files, make_idx


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
    packed = shutil.ignore_patterns("*-ubyte")  # the folder may hold them unpacked, too
    shutil.copytree(mnist_dir / "MNIST" / "raw", tmp_path / "MNIST" / "raw", ignore=packed)
    damaged = tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    damaged.chmod(0o600)
    damaged.write_bytes(gzip.compress(b"not labels"))
    with pytest.raises(DatasetUnavailable):
        load_dataset("mnist", data_dir=tmp_path / "data", mnist_dir=tmp_path)


def write_idx(folder: Path, *, train: int = 40, test: int = 10) -> None:
    """Small files of random pictures, unpacked: torchvision compares those that are packed with their md5."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    parts = [
        (random.integers(0, 256, (count, 28, 28), np.uint8), np.arange(count, dtype=np.uint8) % 10)
        for count in (train, test)
    ]
    for name, content in idx_files(*parts):
        (folder / name).write_bytes(content)


@pytest.mark.parametrize(("name", "folder"), [("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST")])
@pytest.mark.usefixtures("no_mirrors")
def test_others_in_mnists_form_come_from_a_folder_of_their_own(tmp_path: Path, name: str, folder: str) -> None:
    write_idx(tmp_path / "given" / folder / "raw")
    for _ in range(2):  # the second time from its own copy
        found = load_dataset(name, data_dir=tmp_path / "data", mnist_dir=tmp_path / "given")
        assert found.name == name
        assert [len(part) for part in (found.train, found.validation, found.test)] == [30, 10, 10]
        assert found.test.labels.tolist() == list(range(10))
        assert tuple(found.train.images.shape[1:]) == (1, 28, 28)


@pytest.mark.parametrize(("name", "folder"), [("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST")])
def test_missing_ones_name_the_files_and_the_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: str
) -> None:
    torchvision = import_torchvision(name)
    monkeypatch.setattr(torchvision, "mirrors", ["http://127.0.0.1:9/", "http://no.such.host.invalid/x/"])
    with pytest.raises(DatasetUnavailable) as caught:
        load_dataset(name, data_dir=tmp_path / "data", mnist_dir=tmp_path / "elsewhere")
    sentence = str(caught.value)
    assert "downloaded (127.0.0.1: Connection refused; no.such.host.invalid: " in sentence
    assert not set("\n<[") & set(sentence)
    assert all(f"{file}.gz" in sentence for file in MNIST_FILES)
    for place in ("data", "elsewhere"):
        assert str(tmp_path / place / folder / "raw") in sentence
    assert list((tmp_path / "data").iterdir()) == []


def test_damaged_one_is_not_used(tmp_path: Path) -> None:
    raw = tmp_path / "KMNIST" / "raw"
    write_idx(raw)
    (raw / "train-labels-idx1-ubyte").write_bytes(make_idx(np.zeros(39, np.uint8)))
    with pytest.raises(DatasetUnavailable, match="are damaged"):
        load_dataset("kmnist", data_dir=tmp_path)


def test_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="no data set 'mine' on this machine"):
        load_dataset("mine", data_dir=tmp_path)


def test_the_same_pictures_are_mixed_in_each_time(mnist: Dataset, optdigits: Dataset) -> None:
    found = [mix_in(optdigits, mnist, 0.1) for _ in range(2)]
    assert len(found[0].train) == 1197 + 5497
    assert torch.equal(found[0].train.images, found[1].train.images)
    assert torch.equal(found[0].train.images[:1197], optdigits.train.images)
    assert found[0].validation is optdigits.validation
    assert found[0].test is optdigits.test
    assert len(mix_in(optdigits, mnist, 1.0).train) == 1197 + 54_970
