"""The three networks of MTCNN, a face detector in wide use, with the weights of a small package.

Zhang, Zhang, Li and Qiao 2016, *Joint face detection and alignment using multitask cascaded
convolutional networks* (arXiv:1604.02878). The wheel ``facenet-pytorch`` holds the weights as
state dicts, which are read here; nothing of the package is imported. ``FaceDetector`` puts the
three in a row.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import interpolate

from foolkit.models.classifier import Classifier
from foolkit.models.precision import channels_last

PACKAGE = "facenet_pytorch"
INSTALL = "pip install --no-deps facenet-pytorch==2.6.0"
CLASSES = ("no face", "face")


class Proposal(nn.Module):
    """The first network: convolutional throughout, it slides over a frame of any size.

    A window is 12 pixels wide, and the next begins two pixels further.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 10, 3), nn.PReLU(10), nn.MaxPool2d(2, 2, ceil_mode=True),
            nn.Conv2d(10, 16, 3), nn.PReLU(16),
            nn.Conv2d(16, 32, 3), nn.PReLU(32),
        )  # fmt: skip
        self.face = nn.Conv2d(32, 2, 1)
        self.box = nn.Conv2d(32, 4, 1)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits ``[N, 2, h, w]`` of each window, and what its box lacks, ``[N, 4, h, w]``.

        The four are of left, top, right and bottom, in widths (heights) of the window.
        """
        features = self.features(_scaled(images))
        return self.face(features), self.box(features)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, 2]`` of images ``[N, 3, 12, 12]`` in [0, 1]."""
        return self.look(images)[0].flatten(1)


class Deciding(nn.Module):
    """What the second and the third network have in common: a decision about one window.

    Args:
        features: from images to numbers ``[N, width]``.
        width: how many numbers.
    """

    def __init__(self, features: nn.Sequential, width: int) -> None:
        super().__init__()
        self.features = features
        self.face = nn.Linear(width, 2)
        self.box = nn.Linear(width, 4)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits ``[N, 2]``, and what the box lacks, ``[N, 4]``: see ``Proposal.look``."""
        features = self.features(_scaled(images))
        return self.face(features), self.box(features)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, 2]`` of images ``[N, 3, S, S]`` in [0, 1]."""
        return self.look(images)[0]


class Refine(Deciding):
    """The second network, which looks again at what the first proposes: 24 pixels."""

    def __init__(self) -> None:
        features = nn.Sequential(
            nn.Conv2d(3, 28, 3), nn.PReLU(28), nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(28, 48, 3), nn.PReLU(48), nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(48, 64, 2), nn.PReLU(64), nn.Flatten(),
            nn.Linear(576, 128), nn.PReLU(128),
        )  # fmt: skip
        super().__init__(features, 128)


class Output(Deciding):
    """The third network, which decides: 48 pixels. What it knows of eyes and mouth is not read."""

    def __init__(self) -> None:
        features = nn.Sequential(
            nn.Conv2d(3, 32, 3), nn.PReLU(32), nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(32, 64, 3), nn.PReLU(64), nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(64, 64, 3), nn.PReLU(64), nn.MaxPool2d(2, 2, ceil_mode=True),
            nn.Conv2d(64, 128, 2), nn.PReLU(128), nn.Flatten(),
            nn.Linear(1152, 256), nn.PReLU(256),
        )  # fmt: skip
        super().__init__(features, 256)


def _scaled(images: Tensor) -> Tensor:
    """As the networks were trained: ``(255 x - 127.5) / 128``, a little less than -1 to 1."""
    return (images * 255 - 127.5) / 128


@dataclass(frozen=True)
class Stage:
    """One of the three networks, and where its weights lie.

    Attributes:
        make: the module.
        size: of its images, in pixels.
        file: in the package.
        sha256: of that file.
        layers: names of the weights in the file, in the order of our modules.
        parameters: that are used here.
    """

    make: type[nn.Module]
    size: int
    file: str
    sha256: str
    layers: tuple[str, ...]
    parameters: int


STAGES = {
    "mtcnn-proposal": Stage(
        Proposal, 12, "pnet.pt",
        "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
        ("conv1", "prelu1", "conv2", "prelu2", "conv3", "prelu3", "conv4_1", "conv4_2"), 6632,
    ),
    "mtcnn-refine": Stage(
        Refine, 24, "rnet.pt",
        "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
        (
            "conv1", "prelu1", "conv2", "prelu2", "conv3", "prelu3", "dense4", "prelu4",
            "dense5_1", "dense5_2",
        ), 100178,
    ),
    "mtcnn-output": Stage(
        Output, 48, "onet.pt",
        "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
        (
            "conv1", "prelu1", "conv2", "prelu2", "conv3", "prelu3", "conv4", "prelu4",
            "dense5", "prelu5", "dense6_1", "dense6_2",
        ), 386470,
    ),
}  # fmt: skip
NAMES = tuple(STAGES)


def card(name: str) -> dict[str, Any]:
    """The model card of one of the three: where its weights are from, and what is not known."""
    stage = STAGES[name]
    return {
        "name": name,
        "architecture": f"{stage.make.__name__} network of MTCNN, {stage.size} x {stage.size}"
        " pixels, three colours",
        "paper": "Zhang, Zhang, Li and Qiao 2016, arXiv:1604.02878",
        "training_data": "not documented for these numbers. The paper trained on WIDER FACE and"
        " CelebA, photographs of people whose consent nobody asked; which of them, and with what"
        " weights for which group, the package does not say",
        "parameters": stage.parameters,
        "weights": f"facenet-pytorch 2.6.0 on the Python package index,"
        f" {PACKAGE}/data/{stage.file}, SHA-256 {stage.sha256}",
        "licence": "facenet-pytorch is under the MIT licence and says nothing of the weights by"
        " themselves: its networks were converted from others' conversions of the authors' release",
        "deviations": "the positions of eyes, nose and mouth, which the third network answers too,"
        " are left out (2,570 of its 389,040 parameters)",
        "needs": INSTALL,
        "accuracy": "not measured here: a test needs photographs of many people",
    }


def load(name: str, device: torch.device | str = "cpu") -> Classifier:
    """One of ``NAMES`` in evaluation mode: two classes, "no face" and "face".

    Raises:
        FileNotFoundError: the package that carries the weights is not installed.
        ValueError: its file is not the one that was published.
    """
    stage = STAGES[name]
    module = stage.make()
    module.load_state_dict(_state(name, weights_file(name)))
    channels_last(module.requires_grad_(False), device)
    shape = (3, stage.size, stage.size)
    return Classifier(module, input_shape=shape, classes=CLASSES, name=name).eval()


def float32_weights(name: str) -> bytes:
    """The weights of one of ``NAMES`` as a safetensors file: what the book's page runs.

    Names and shapes are those of our module's ``state_dict()``.

    Raises:
        FileNotFoundError, ValueError: as ``load``.
    """
    state = _state(name, weights_file(name))
    return save({key: weight.contiguous() for key, weight in state.items()})


def weights_file(name: str) -> Path:
    """The state dict of one of ``NAMES`` in the installed package, which is not imported.

    Raises:
        FileNotFoundError: not installed.
    """
    found = importlib.util.find_spec(PACKAGE)  # of a package's own name: runs nothing of it
    for folder in (found.submodule_search_locations or ()) if found else ():
        if (path := Path(folder) / "data" / STAGES[name].file).is_file():
            return path
    raise FileNotFoundError(
        f"source: {name!r} needs the package 'facenet-pytorch', which carries its weights:"
        f" {INSTALL}"
    )


@cache
def _state(name: str, path: Path) -> dict[str, Tensor]:
    """The state dict of our module."""
    stage, content = STAGES[name], path.read_bytes()
    if hashlib.sha256(content).hexdigest() != stage.sha256:
        raise ValueError(
            f"source: {path} is not the file that facenet-pytorch 2.6.0 was published with, and was"
            f" not read; install it anew: {INSTALL} --force-reinstall"
        )
    theirs = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    ours, state = stage.make().state_dict(), {}
    owners = list(dict.fromkeys(key.rpartition(".")[0] for key in ours))
    for owner, layer in zip(owners, stage.layers, strict=True):
        for part in ("weight", "bias"):
            if f"{owner}.{part}" in ours:
                state[f"{owner}.{part}"] = theirs[f"{layer}.{part}"]
    for key, weight in state.items():
        if key.startswith("features") and weight.ndim == 2:  # its inputs are ordered W, H, C there
            by_place = weight.view(len(weight), 3, 3, -1)
            state[key] = by_place.permute(0, 3, 2, 1).reshape(len(weight), -1)
    return state


class Together(nn.Module):
    """All three networks at once: the probability that each of them says "face".

    The image of 48 pixels is averaged down to 24 and to 12. Their probabilities are multiplied,
    as if they were independent: high only where all three are sure, and with a slope where one
    is not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.networks = nn.ModuleList(load(name).module for name in NAMES)

    def looks(self, images: Tensor) -> Iterator[tuple[nn.Module, Tensor]]:
        """Each network, and the images as it sees them."""
        for network, stage in zip(self.networks, STAGES.values(), strict=True):
            same = stage.size == images.shape[-1]
            yield network, images if same else interpolate(images, stage.size, mode="area")

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, 2]`` of images ``[N, 3, 48, 48]`` in [0, 1]."""
        total = images.new_zeros(len(images))
        for network, seen in self.looks(images):
            total = total + network(seen).log_softmax(1)[:, 1]
        total = total.clamp_max(-torch.finfo(total.dtype).eps)  # log(1 - p) of p = 1 is none
        return torch.stack([torch.log(-torch.expm1(total)), total], 1)


def together(device: torch.device | str = "cpu") -> Classifier:
    """The three networks as one classifier of 48 pixels: see ``Together``.

    Raises:
        FileNotFoundError, ValueError: as ``load``.
    """
    module = Together().to(device)
    return Classifier(
        module, input_shape=(3, 48, 48), classes=CLASSES, name="mtcnn, all three"
    ).eval()
