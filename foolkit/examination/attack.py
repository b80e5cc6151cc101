"""The strongest attack of one size that an examination makes: one call, to be exchanged here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foolkit.examination.plan import Need
from foolkit.gradients import Attacked, ensemble, square
from foolkit.gradients.ensemble import BEFORE, STANDS


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
BLIND = 1000  # queries of Square where it is the only attack
SHORT = Effort(steps=10, goals=1, queries=50)  # where the time suffices for no ten pictures


def effort_of(weaker: bool, gradient: bool) -> Effort | None:
    """What was planned; None without a gradient."""
    if not gradient:
        return None
    return SHORT if weaker else USUAL


def need(pictures: int, weight: float, rounds: int, gradient: bool = True) -> Need:
    """Of the usual effort, or of the short one; without a gradient, of Square alone."""
    if not gradient:
        return Need("pictures", pictures, min(10, pictures), rounds * BLIND, 0, weight)
    return USUAL.need(pictures, weight, rounds, SHORT.need(pictures, weight, rounds))


def strongest(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilons: Sequence[float],
    effort: Effort | None,
    *,
    seed: int,
    chunk: int,
) -> list[Attacked]:
    """The ensemble of attacks in Linf at each size, on the images that stand at the sizes below.

    Args:
        net, images, labels, chunk: as for ``foolkit.gradients.ensemble``.
        epsilons: largest changes of a pixel, ascending.
        effort: how long each attack searches; None: the network gives no gradient, and Square
            alone searches.
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
        part = images[standing], labels[standing]
        if effort is None:
            new = _blind(net, *part, epsilon, seed, chunk)
        else:
            new = ensemble(
                net, *part, epsilon=epsilon, steps=effort.steps, goals=effort.goals,
                queries=effort.queries, seed=seed, chunk=chunk, progress=False,
            )  # fmt: skip
        if found:
            place = torch.arange(len(images), device=images.device)
            place[standing] = len(images) + torch.arange(len(standing), device=images.device)
            new = Attacked.cat([found[-1], new])[place]
        found.append(new)
    return found


def _blind(
    net: nn.Module, images: Tensor, labels: Tensor, epsilon: float, seed: int, chunk: int
) -> Attacked:
    """Square alone, told as the last of the four."""
    found = square(
        net, images, labels, epsilon=epsilon, steps=BLIND, seed=seed, chunk=chunk, progress=False
    )
    breaker = torch.where(found.success, Attacked.ATTACKS.index("square"), STANDS)
    breaker[found.before != labels] = BEFORE
    return Attacked(**found.tensors(), targeted=False, breaker=breaker)
