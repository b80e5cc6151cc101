"""The networks that come with the package: weights as safetensors, a model card beside each."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import as_file, files

import torch
from safetensors.torch import load_file
from torch import nn

from foolkit.models.classifier import Classifier
from foolkit.models.lenet import LeNet

ARCHITECTURES: dict[str, type[nn.Module]] = {"LeNet": LeNet}
DIGITS = tuple("0123456789")
WEIGHTS = files("foolkit.models") / "weights"


@cache
def available() -> tuple[str, ...]:
    """The names that ``load`` knows."""
    return tuple(
        sorted(p.name.removesuffix(".json") for p in WEIGHTS.iterdir() if p.name.endswith(".json"))
    )


def card(name: str) -> dict:
    """The model card of a shipped network: recipe, seed, data split, accuracies."""
    check_name(name)
    return json.loads((WEIGHTS / f"{name}.json").read_text("utf-8"))


def load(name: str, device: torch.device | str = "cpu") -> Classifier:
    """A shipped network by name, in evaluation mode; no download, nothing is unpickled.

    Weights are stored as float16 and used as float32 numbers of those values, so that the page,
    the notebook and every stated accuracy speak of the same network. They are laid out channels
    last, which makes convolutions about twice as fast on a CPU and changes no result beyond
    rounding.

    Raises:
        ValueError: an unknown name; the message lists the known ones.
    """
    architecture = ARCHITECTURES[card(name)["architecture"]]()
    with as_file(WEIGHTS / f"{name}.safetensors") as path:
        weights = load_file(path)
    architecture.load_state_dict({key: value.float() for key, value in weights.items()})
    architecture.to(device=device, memory_format=torch.channels_last)
    return Classifier(architecture, input_shape=(1, 28, 28), classes=DIGITS, name=name).eval()


def check_name(name: str) -> None:
    """Raise ``ValueError`` for a network that is not shipped."""
    if name not in available():
        raise ValueError(f"name: no network {name!r}; shipped are {', '.join(available())}")
