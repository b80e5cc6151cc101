"""The strongest attack of one size that an examination makes: one call, to be exchanged here."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from foolkit.gradients import Perturbed, pgd
from foolkit.gradients.sign import Loss

STEPS = 20
LOSSES: tuple[Loss, ...] = ("cross-entropy", "margin")


def strongest(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilons: Sequence[float],
    *,
    seed: int,
    chunk: int,
) -> list[Perturbed]:
    """PGD in Linf with two losses: an image is fooled if either fools it, at this size or below.

    Args:
        net, images, labels, chunk: as for ``foolkit.gradients.pgd``.
        epsilons: largest changes of a pixel.
        seed: of the random starts.

    Returns:
        A result for each size; of each image the first that fools, else the last.
    """
    runs = [
        pgd(
            net, images, labels, epsilon=list(epsilons), loss=loss, steps=STEPS, seed=seed,
            chunk=chunk, progress=False,
        )
        for loss in LOSSES
    ]  # fmt: skip
    return [_first_that_fools(found) for found in zip(*runs, strict=True)]


def _first_that_fools(found: Sequence[Perturbed]) -> Perturbed:
    """Of each image the result of the first run that fools, else of the last."""
    n = len(found[0])
    fools = torch.stack([run.success for run in found])
    chosen = torch.where(fools.any(0), fools.int().argmax(0), len(found) - 1)
    return Perturbed.cat(found)[chosen * n + torch.arange(n, device=chosen.device)]
