"""Forgeries bred against detectors: the detector was part of the fitness.

On each of the bank's networks, behind no guard and behind each detector, ``RUNS`` evolutions in
both encodings, and images painted by the gradient. ``load`` reads them; ``python -m
tools.bank.guarded`` makes them anew, half an hour on one core, and goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from foolkit.analysis.detectors import (
    Detector,
    Energy,
    FeatureNeighbours,
    Mahalanobis,
    MaxScore,
    MaxSoftmax,
    PixelNeighbours,
)
from foolkit.analysis.odin import ODIN
from foolkit.analysis.openmax import OpenMax
from foolkit.bank import synthesis
from foolkit.bank.store import VICTIMS, read
from foolkit.data import digits
from foolkit.models.estimators import fitted_indices
from foolkit.models.shipped import load as load_network

FILE = "guarded.npz"
RUNS = 10  # of each network
GENERATIONS = {"direct": 100, "cppn": 60, "painted": 200}  # painted: steps of the gradient
PAINTED = 30  # images on each network, the first ten from plain grey, the others from noise
ENOUGH = 0.99  # confidence at which a class counts as fooled; above one half, so accepted
KNOWN, HELD = 2_000, 1_000  # digits that detectors learn, and that set their thresholds


def radial(net: nn.Module) -> Detector:
    """The highest score of a network of radial basis functions: one of three stands beside each."""
    beside = dict(zip(VICTIMS, ("rbf", "rbf-b", "rbf-c"), strict=True))
    return MaxScore(load_network(beside.get(str(getattr(net, "name", "")), "rbf")))


DETECTORS: dict[str, Callable[[nn.Module], Detector]] = {
    "max softmax": MaxSoftmax,
    "ODIN": ODIN,
    "energy": Energy,
    "OpenMax": OpenMax,
    "Mahalanobis": Mahalanobis,
    "feature neighbours": FeatureNeighbours,
    "pixel neighbours": lambda net: PixelNeighbours(),
    # its logits are log p(x | k), so that the sum of their exponentials is p(x), up to a constant
    "generative judge": lambda net: Energy(synthesis.network()),
    "RBF score": radial,
}
# the maximum softmax is no obstacle: it is what evolution maximises
GUARDS = ("none", *tuple(DETECTORS)[1:])


@dataclass(frozen=True)
class Bred:
    """Elites of runs against one guard in one encoding, or what was painted; on all networks.

    Attributes:
        images: float32 ``[N, 1, 28, 28]`` in [0, 1]; black where the image was refused.
        classes: int64 ``[N]``, the class it was bred for.
        confidence: float32 ``[N]``, of the guarded network; above 0.5 only if it was accepted.
        reached: int64 ``[N]``, the first generation with a confidence of ``ENOUGH``; -1: none.
            Painted: the steps until the 8-bit image had 99.99 %.
        runs: int64 ``[N]``, numbered over all networks; a painted image is a run of its own.
        networks: int64 ``[N]``, places in ``foolkit.bank.VICTIMS``.
    """

    images: Tensor
    classes: Tensor
    confidence: Tensor
    reached: Tensor
    runs: Tensor
    networks: Tensor


def detector_digits() -> tuple[Tensor, Tensor, Tensor]:
    """Digits for detectors, none of which a network was trained on or is compared on.

    Returns:
        images and labels to fit with, float32 ``[2000, 1, 28, 28]`` and int64 ``[2000]``, and
        other images ``[1000, 1, 28, 28]`` to set thresholds with.
    """
    images, labels = digits()
    index = fitted_indices(labels)
    known, held = index[:KNOWN], index[KNOWN : KNOWN + HELD]
    return images[known], labels[known], images[held]


def detectors(net: nn.Module) -> dict[str, Detector]:
    """All ``DETECTORS``, listening to ``net``, fitted on ``detector_digits``."""
    images, labels, _ = detector_digits()
    return {name: make(net).fit(images, labels) for name, make in DETECTORS.items()}


def load() -> dict[tuple[str, str], Bred]:
    """All that is stored, by guard (of ``GUARDS``) and encoding (of ``GENERATIONS``)."""
    held = read(FILE)
    found = {}
    for guard in GUARDS:
        for encoding in GENERATIONS:
            parts = [_part(held, victim, guard, encoding) for victim in VICTIMS]
            images, classes, confidence, reached, runs = (
                torch.cat([part[i] for part in parts]) for i in range(5)
            )
            sizes = torch.tensor([len(part[0]) for part in parts])
            networks = torch.arange(len(VICTIMS)).repeat_interleave(sizes)
            runs = runs + networks * int(runs.max() + 1)
            found[guard, encoding] = Bred(images, classes, confidence, reached, runs, networks)
    return found


def _part(
    held: Mapping[str, np.ndarray], victim: str, guard: str, encoding: str
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    prefix = f"{victim}/{guard}/{encoding}/"
    images = torch.from_numpy(held[prefix + "images"]).float().div_(255)[:, None]
    place = torch.arange(len(images))
    return (
        images,
        place % 10,
        torch.from_numpy(held[prefix + "confidence"]),
        torch.from_numpy(held[prefix + "reached"]).long(),
        place if encoding == "painted" else place // 10,
    )
