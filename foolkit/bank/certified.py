"""One small network, trained in four ways, and what evolution made against two of them.

It was trained on digits; in noise of two sizes, as randomised smoothing asks (Cohen et al. 2019);
and in boxes, by interval bound propagation (Gowal et al. 2018). ``network`` reads one, ``load``
the evolved images; ``python -m tools.bank.certified`` makes all of it anew, some ten minutes on
one core.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foolkit.bank.store import PLACE, read
from foolkit.checks import check_choice
from foolkit.models.classifier import Classifier
from foolkit.models.precision import channels_last
from foolkit.models.shipped import DIGITS, fill

NETWORKS = ("plain", "noise-0.25", "noise-0.5", "boxes")
SIGMAS = {"noise-0.25": 0.25, "noise-0.5": 0.5}  # standard deviation of the training's noise
EPSILON = 0.3  # of the training's boxes

FILE = "certified.npz"
BRED = ("noise-0.5", "boxes")  # the first smoothed, by ``SAMPLES`` draws of noise
RUNS = 20
SAMPLES = 16
GENERATIONS = {"direct": 100, "cppn": 60}
ENOUGH = 0.99  # confidence at which a class counts as fooled


@dataclass(frozen=True)
class Bred:
    """Elites of ``RUNS`` evolutions against one network in one encoding, N = 10 ``RUNS``.

    Attributes:
        images: float32 ``[N, 1, 28, 28]`` in [0, 1], 8-bit.
        classes: int64 ``[N]``, the class each was bred for.
        confidence: float32 ``[N]``, in that class.
        runs: int64 ``[N]``.
    """

    images: Tensor
    classes: Tensor
    confidence: Tensor
    runs: Tensor


def load() -> dict[tuple[str, str], Bred]:
    """All that is stored, by network (of ``BRED``) and encoding (``"direct"``, ``"cppn"``)."""
    held, found = read(FILE), {}
    for name in BRED:
        for encoding in GENERATIONS:
            images, confidence = (
                torch.from_numpy(held[f"{name}/{encoding}/{column}"])
                for column in ("images", "confidence")
            )
            place = torch.arange(len(confidence))
            pixels = images.float().div_(255)[:, None]
            found[name, encoding] = Bred(pixels, place % 10, confidence, place // 10)
    return found


class Small(nn.Sequential):
    """Two convolutions and two linear layers, all but the last under rectifiers.

    The small network of Gowal et al. (2018), but for the stride of its second convolution,
    which is 2 here and 1 there: 89,606 parameters. Images ``[N, 1, 28, 28]``.
    """

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 16, 4, stride=2), nn.ReLU(),
            nn.Conv2d(16, 32, 4, stride=2), nn.ReLU(),
            nn.Flatten(), nn.Linear(800, 100), nn.ReLU(), nn.Linear(100, 10),
        )  # fmt: skip


def network(name: str) -> Classifier:
    """One of ``NETWORKS``, in evaluation mode.

    Raises:
        ValueError: an unknown name.
    """
    check_choice(name, NETWORKS, "name")
    module = Small()
    fill(module, PLACE / f"certified-{name}.safetensors")
    channels_last(module)
    return Classifier(module, input_shape=(1, 28, 28), classes=DIGITS, name=f"small, {name}").eval()
