"""Networks of ImageNet's 1000 classes: one from the package index, and what a machine has."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from foolkit._torchvision import import_torchvision
from foolkit.models import squeezenet
from foolkit.models.classifier import Classifier
from foolkit.models.loading import load

PROGRAMS = ("mobilenet_v1", "mobilenet_v2", "squeezenet1_0")
TORCHVISION = ("mobilenet_v3_small", "mobilenet_v2", "squeezenet1_0")  # small, and unlike


def programs() -> dict[str, Path]:
    """The exported programs in ``$FOOLKIT_DATA/imagenet``, by name: all of them or none."""
    folder = Path(os.environ.get("FOOLKIT_DATA") or "nowhere", "imagenet")
    found = {name: folder / f"{name}.pt2" for name in PROGRAMS}
    return found if all(path.is_file() for path in found.values()) else {}


def downloaded() -> tuple[str, ...]:
    """Those of ``TORCHVISION`` whose weights torchvision has downloaded before."""
    models, folder = import_torchvision().models, Path(torch.hub.get_dir(), "checkpoints")
    files = {n: models.get_model_weights(n).DEFAULT.url.rpartition("/")[2] for n in TORCHVISION}
    return tuple(name for name, file in files.items() if (folder / file).is_file())


def imagenet(device: torch.device | str = "cpu") -> dict[str, Classifier]:
    """ImageNet networks by name: ``"squeezenet1_1"`` first, then others that are at hand.

    Others are the programs of ``$FOOLKIT_DATA`` if all three are there (``PROGRAMS``), else those
    of torchvision's (``TORCHVISION``) whose weights are on this machine. Nothing is downloaded.

    Args:
        device: where they go.

    Raises:
        FileNotFoundError: the package that carries the weights of SqueezeNet 1.1 is missing.
    """
    sources = {squeezenet.NAME: squeezenet.NAME} | (
        {name: str(path) for name, path in programs().items()}
        or {name: f"torchvision:{name}" for name in downloaded()}
    )
    return {name: load(source, device) for name, source in sources.items()}
