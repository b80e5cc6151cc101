"""The strongest attack of one size that an examination makes: one call, to be exchanged here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foolkit.examination.plan import Need
from foolkit.gradients import Attacked, ensemble
from foolkit.gradients.ensemble import STANDS


@dataclass(frozen=True)
class Effort:
    """How long the members of the ensemble search.

    Attributes:
        steps: of APGD, for each goal, and of FMN.
        goals: of the targeted APGD.
        queries: of Square.
    """

    steps: int
    goals: int
    queries: int

    def need(self, pictures: int, weight: float, rounds: int, weaker: Need | None = None) -> Need:
        """What it costs, if a picture is attacked at ``rounds`` sizes before it falls."""
        slopes = rounds * self.steps * (1 + self.goals + 1)
        looks = slopes + rounds * self.queries
        return Need("pictures", pictures, min(10, pictures), looks, slopes, weight, weaker=weaker)


USUAL = Effort(steps=20, goals=2, queries=100)
SHORT = Effort(steps=10, goals=1, queries=50)  # where the time suffices for no ten pictures


def need(pictures: int, weight: float, rounds: int) -> Need:
    """Of the usual effort, or of the short one."""
    return USUAL.need(pictures, weight, rounds, SHORT.need(pictures, weight, rounds))


def strongest(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilons: Sequence[float],
    effort: Effort,
    *,
    seed: int,
    chunk: int,
) -> list[Attacked]:
    """The ensemble of attacks in Linf at each size, on the images that stand at the sizes below.

    Args:
        net, images, labels, chunk: as for ``foolkit.gradients.ensemble``.
        epsilons: largest changes of a pixel, ascending.
        effort: how long each attack searches.
        seed: of the random starts.

    Returns:
        A result for each size; what fooled at a smaller size is handed on.
    """
    found: list[Attacked] = []
    for epsilon in epsilons:
        standing = (
            (found[-1].breaker == STANDS).nonzero()[:, 0]
            if found
            else torch.arange(len(images), device=images.device)
        )
        if not len(standing):
            found.append(found[-1])
            continue
        new = ensemble(
            net, images[standing], labels[standing], epsilon=epsilon, steps=effort.steps,
            goals=effort.goals, queries=effort.queries, seed=seed, chunk=chunk, progress=False,
        )  # fmt: skip
        if found:
            place = torch.arange(len(images), device=images.device)
            place[standing] = len(images) + torch.arange(len(standing), device=images.device)
            new = Attacked.cat([found[-1], new])[place]
        found.append(new)
    return found
