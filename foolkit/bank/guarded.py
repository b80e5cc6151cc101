"""Forgeries bred against detectors: the detector was part of the fitness.

On each of the bank's networks, behind no guard and behind each of four detectors, in both
encodings, ``RUNS`` evolutions. ``load`` reads them; ``python -m tools.bank.guarded`` breeds
them anew, some ten minutes on two cores.
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
    MaxSoftmax,
    PixelNeighbours,
)
from foolkit.bank.store import VICTIMS, read
from foolkit.data import digits
from foolkit.models.estimators import fitted_indices

FILE = "guarded.npz"
RUNS = 10  # of each network
GENERATIONS = {"direct": 100, "cppn": 60}
ENOUGH = 0.99  # confidence at which a class counts as fooled; above one half, so accepted
KNOWN, HELD = 2_000, 1_000  # digits that detectors learn, and that set their thresholds

DETECTORS: dict[str, Callable[[nn.Module], Detector]] = {
    "max softmax": MaxSoftmax,
    "energy": Energy,
    "Mahalanobis": Mahalanobis,
    "feature neighbours": FeatureNeighbours,
    "pixel neighbours": lambda net: PixelNeighbours(),
}
# the maximum softmax is no obstacle: it is what evolution maximises
GUARDS = ("none", *tuple(DETECTORS)[1:])


@dataclass(frozen=True)
class Bred:
    """Elites of runs against one guard in one encoding, on all networks.

    Attributes:
        images: float32 ``[N, 1, 28, 28]`` in [0, 1]; black where the image was refused.
        classes: int64 ``[N]``, the class it was bred for.
        confidence: float32 ``[N]``, of the guarded network; above 0.5 only if it was accepted.
        reached: int64 ``[N]``, the first generation with a confidence of ``ENOUGH``; -1: none.
        runs: int64 ``[N]``, numbered over all networks.
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
    """All that is stored, by guard (of ``GUARDS``) and encoding (``"direct"``, ``"cppn"``)."""
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
            runs = runs + networks * RUNS
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
        place // 10,
    )
