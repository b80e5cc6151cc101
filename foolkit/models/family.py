"""A family of small networks of digits: seven designs, each trained from three seeds.

What one network shows may be its own. An experiment that is made on all of these has an interval
over networks. ``foolkit.models.load("family/tanh-1")`` loads one; ``python -m tools.bank.family``
trains them anew, each in about a minute on one core.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import as_file, files
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from foolkit.models.classifier import Classifier
from foolkit.models.dense import Rectifier
from foolkit.models.lenet import LeNet
from foolkit.models.pixel_gradient import GreyConv2d
from foolkit.models.precision import channels_last
from foolkit.models.resnet import ResNet

PREFIX = "family/"
SEEDS = (1, 2, 3)
FOLDER = files("foolkit.models") / "family_weights"
WEIGHTS, CARDS = "family.safetensors", "family.json"


class Convolutional(nn.Sequential):
    """LeNet's layers with other numbers of units, or with a function after every layer.

    Images ``[N, 1, 28, 28]`` in [0, 1], to 10 logits.

    Args:
        filters: of the two convolutions, 5 x 5 each.
        hidden: units between them and the logits.
        function: after both convolutions and the hidden units; by default a ReLU after the
            hidden units alone, as in LeNet.
        pool: of 2 x 2 pixels, after each convolution.
    """

    def __init__(
        self,
        filters: tuple[int, int],
        hidden: int,
        function: Callable[[], nn.Module] | None = None,
        pool: Callable[[int], nn.Module] = nn.MaxPool2d,
    ) -> None:
        super().__init__()
        first, second = filters
        self.conv1 = GreyConv2d(first)
        self.bend1 = function() if function else nn.Identity()
        self.pool1 = pool(2)
        self.conv2 = nn.Conv2d(first, second, 5)
        self.bend2 = function() if function else nn.Identity()
        self.pool2 = pool(2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(16 * second, hidden)
        self.bend3 = function() if function else nn.ReLU()
        self.fc2 = nn.Linear(hidden, 10)


DESIGNS: dict[str, Callable[[], nn.Module]] = {
    "lenet": LeNet,  # the book's, from other seeds
    "narrow": partial(Convolutional, (10, 25), 250),
    "wide": partial(Convolutional, (40, 100), 125),
    "relu": partial(Convolutional, (10, 25), 250, nn.ReLU),
    "tanh": partial(Convolutional, (10, 25), 250, nn.Tanh, nn.AvgPool2d),
    "dense": partial(Rectifier, 100, 100),
    "residual": partial(ResNet, 16),
}
WORDS = {
    "lenet": "LeNet: 20 and 50 filters, 500 units, max-pooling, one ReLU",
    "narrow": "half as wide: 10 and 25 filters, 250 units",
    "wide": "twice as many filters: 40 and 100, 125 units",
    "relu": "half as wide, with a ReLU after every layer",
    "tanh": "half as wide, tanh after every layer, pooling by the mean",
    "dense": "no convolution: 100 and 100 rectifiers",
    "residual": "nine convolutions, batch-normalised, residual",
}
NAMES = tuple(f"{design}-{seed}" for design in DESIGNS for seed in SEEDS)


def design_of(name: str) -> str:
    """The design of a member: ``"tanh"`` of ``"tanh-1"``.

    Raises:
        ValueError: no member of that name; the message lists them.
    """
    if name not in NAMES:
        raise ValueError(f"name: no member {name!r} of the family; it has {', '.join(NAMES)}")
    return name.rpartition("-")[0]


@cache
def _cards() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((FOLDER / CARDS).read_text("utf-8"))
    return found


def card(name: str) -> dict[str, Any]:
    """The model card of a member: its recipe, seed, and accuracies after rounding to float16."""
    design_of(name)
    return dict(_cards()[name])


def load(name: str, device: torch.device | str = "cpu") -> Classifier:
    """A member by name, such as ``"tanh-1"``, in evaluation mode; nothing is downloaded.

    As of the shipped networks, weights are stored as float16 and used as float32 numbers.

    Raises:
        ValueError: no member of that name.
    """
    module = DESIGNS[design_of(name)]()
    with (
        as_file(FOLDER / WEIGHTS) as path,
        safe_open(path, framework="pt") as stored,
    ):
        found = {key: stored.get_tensor(f"{name}/{key}") for key in module.state_dict()}
    module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in found.items()})
    channels_last(module, device)
    return Classifier(
        module, input_shape=(1, 28, 28), classes=tuple("0123456789"), name=PREFIX + name
    ).eval()
