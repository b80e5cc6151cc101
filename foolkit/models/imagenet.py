"""Networks of ImageNet's 1000 classes, wherever this machine has them."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from foolkit.models.classifier import Classifier
from foolkit.models.loading import load

PROGRAMS = ("mobilenet_v1", "mobilenet_v2", "squeezenet1_0")
TORCHVISION = ("mobilenet_v3_small", "mobilenet_v2", "squeezenet1_0")  # small, and unlike


def programs() -> dict[str, Path]:
    """The exported programs in ``$FOOLKIT_DATA/imagenet``, by name: all of them or none."""
    folder = Path(os.environ.get("FOOLKIT_DATA") or "nowhere", "imagenet")
    found = {name: folder / f"{name}.pt2" for name in PROGRAMS}
    return found if all(path.is_file() for path in found.values()) else {}


def imagenet(device: torch.device | str = "cpu") -> dict[str, Classifier]:
    """Three ImageNet networks by name, of three architectures, the quickest first.

    The programs of ``$FOOLKIT_DATA`` if all three are there (``PROGRAMS``), else torchvision's
    with torchvision's own weights (``TORCHVISION``), which are downloaded once.

    Args:
        device: where they go.

    Raises:
        FileNotFoundError: neither is to be had.
    """
    here = programs()
    if here:
        return {name: load(path, device) for name, path in here.items()}
    try:
        return {name: load(f"torchvision:{name}", device) for name in TORCHVISION}
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"ImageNet networks: expected {', '.join(f'{n}.pt2' for n in PROGRAMS)} in"
            f" $FOOLKIT_DATA/imagenet, or a connection to download torchvision's ({error})"
        ) from error
