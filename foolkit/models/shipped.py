"""The networks that come with the package: weights as safetensors, a model card beside each."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from foolkit.models import mtcnn, squeezenet
from foolkit.models.classifier import Classifier
from foolkit.models.dense import Rectifier, Sigmoid, Softmax
from foolkit.models.estimators import ESTIMATORS, fitted
from foolkit.models.lenet import LeNet
from foolkit.models.mixer import Mixer
from foolkit.models.precision import channels_last
from foolkit.models.rbf import RBF
from foolkit.models.resnet import ResNet
from foolkit.models.vit import ViT

ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "LeNet": LeNet,
    "FC10": Softmax,
    "FC100-100-10": partial(Sigmoid, 100, 100),
    "FC200-200-10": partial(Sigmoid, 200, 200),
    "FC123-456-10": partial(Sigmoid, 123, 456),
    "FC64-64-10 of rectifiers": partial(Rectifier, 64, 64),
    "RBF, read as scores": partial(RBF, "score"),
    "RBF under a softmax": partial(RBF, "softmax"),
    "ResNet": ResNet,
    "ViT": ViT,
    "Mixer": Mixer,
}
DIGITS = tuple("0123456789")
WEIGHTS = files("foolkit.models") / "weights"


@cache
def available() -> tuple[str, ...]:
    """The networks of digits that come with the package, by name."""
    return tuple(
        sorted(p.name.removesuffix(".json") for p in WEIGHTS.iterdir() if p.name.endswith(".json"))
    )


def card(name: str) -> dict[str, Any]:
    """The model card of a shipped network or estimator: recipe, seed, data split, accuracies.

    That of ``"squeezenet1_1"``, or of a network of the face detector (``"mtcnn-proposal"``), says
    where its weights are from, and their licence.
    """
    if isinstance(name, str) and name == squeezenet.NAME:
        return dict(squeezenet.CARD)
    if isinstance(name, str) and name in mtcnn.NAMES:
        return mtcnn.card(name)
    check_name(name)
    return json.loads((WEIGHTS / f"{name}.json").read_text("utf-8"))


def load(name: str, device: torch.device | str = "cpu") -> Classifier:
    """A shipped network by name, in evaluation mode; no download, nothing is unpickled.

    Weights are stored as float16 and used as float32 numbers of those values, so that the page,
    the notebook and every stated accuracy speak of the same network. They are laid out channels
    last, which makes convolutions about twice as fast on a CPU and changes no result beyond
    rounding.

    ``"knn"``, ``"tree"``, ``"svm-linear"`` and ``"svm-rbf"`` have no weights: they are fitted when
    first loaded, in seconds (see ``foolkit.models.estimators``). The first two have no gradient.

    Raises:
        ValueError: an unknown name; the message lists the known ones.
    """
    check_name(name)
    if name in ESTIMATORS:
        module: nn.Module = fitted(name)
    else:
        module = ARCHITECTURES[card(name)["architecture"]]()
        fill(module, WEIGHTS / f"{name}.safetensors")
    channels_last(module, device)
    return Classifier(module, input_shape=(1, 28, 28), classes=DIGITS, name=name).eval()


def fill(module: nn.Module, file: Traversable) -> None:
    """Give a network the weights of a file, which are stored in half precision."""
    with as_file(file) as path:
        module.load_state_dict(as_float32(load_file(path)))


def as_float16(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights as they are stored; counters stay integers."""
    return {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in weights.items()}


def as_float32(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Stored weights as the numbers that are computed with; counters stay integers."""
    return {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}


def check_name(name: str) -> None:
    """Raise ``ValueError`` for a network that is not shipped."""
    if not isinstance(name, str) or name not in available():
        raise ValueError(f"name: no network {name!r}; shipped are {', '.join(available())}")
