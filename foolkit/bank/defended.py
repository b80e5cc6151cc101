"""Forgeries bred from nothing against networks that were trained to withstand attacks.

Evolution in both encodings, ``RUNS`` times on the plain LeNet and on each defended one. What was
reached is stored of every run, the images of the first few. ``load`` reads them;
``python -m tools.bank.defended`` breeds them anew, some ten minutes on two cores.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from foolkit.bank.store import read

FILE = "defended.npz"
NETWORKS = ("lenet", "lenet-noise", "lenet-fgsm", "lenet-pgd", "lenet-exposed")
RUNS = 30
KEPT = 3  # runs whose images are stored
GENERATIONS = {"direct": 100, "cppn": 60}
ENOUGH = 0.99  # confidence at which a class counts as fooled


@dataclass(frozen=True)
class Bred:
    """Elites of ``RUNS`` evolutions against one network in one encoding, N = 10 ``RUNS``.

    Attributes:
        images: float32 ``[10 KEPT, 1, 28, 28]`` in [0, 1], the elites of the first runs.
        classes: int64 ``[N]``, the class each was bred for.
        confidence: float32 ``[N]``, in that class.
        reached: int64 ``[N]``, the first generation with a confidence of ``ENOUGH``; -1: none.
        runs: int64 ``[N]``.
    """

    images: Tensor
    classes: Tensor
    confidence: Tensor
    reached: Tensor
    runs: Tensor


def load() -> dict[tuple[str, str], Bred]:
    """All that is stored, by network (of ``NETWORKS``) and encoding (``"direct"``, ``"cppn"``)."""
    held = read(FILE)
    found = {}
    for network in NETWORKS:
        for encoding in GENERATIONS:
            images, confidence, reached = (
                torch.from_numpy(held[f"{network}/{encoding}/{name}"])
                for name in ("images", "confidence", "reached")
            )
            place = torch.arange(len(confidence))
            found[network, encoding] = Bred(
                images.float().div_(255)[:, None],
                place % 10,
                confidence,
                reached.long(),
                place // 10,
            )
    return found
