"""A perturbation bred without any gradient: squares of pixels, kept where they help."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_number
from foolkit.gradients.problem import BATCH, Problem, attacking, column, generator_of
from foolkit.gradients.result import Perturbed, perturbed

FIRST = 0.3  # share of the pixels that the first squares cover, as in the paper for MNIST


def blind(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    generations: int = 300,
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: int | torch.Generator = 0,
    batch: int = BATCH,
) -> Perturbed:
    """Evolution of one parent and one child an image: Square Attack (Andriushchenko et al. 2020).

    Every component of the change is plus or minus ``epsilon``: at first in stripes of one column,
    then, in each generation, one square of pixels is set anew, at one place and with one sign in
    each channel. The child lives if the network's margin for a wrong class has grown. Squares
    shrink as the search goes on. Nothing but logits is asked of the network, so that a gradient
    that vanishes or lies does not help it.

    Deviation: the paper halves the share of a square at fixed numbers of queries; here it falls
    along ``FIRST * 2^(-6 t)`` with t from 0 to 1.

    Args:
        net, images, labels, targeted, mask, batch: as for ``fgsm``.
        epsilon: largest change of a pixel, in units of the pixel range.
        generations: children an image, each a forward pass.
        seed: of stripes and squares; an integer or a generator on the images' device.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    check_number(epsilon, "epsilon", least=0)
    check_count(generations, "generations")
    check_count(batch, "batch")
    draws = generator_of(seed, images.device)
    with attacking(net):
        found = [_bred(part, epsilon, generations, draws) for part in problem.split(batch)]
        changed, queries = (torch.cat(parts) for parts in zip(*found, strict=True))
    return perturbed(problem, changed, queries, batch)


def _bred(
    part: Problem, epsilon: float, generations: int, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The images after all generations, and the passes that each took."""
    n, channels, height, width = part.images.shape
    device = part.images.device
    low, high = part.bounds()

    def signs(*shape: int) -> Tensor:
        drawn = torch.randint(2, shape, generator=draws, device=device)
        return (2 * drawn - 1).to(part.images) * epsilon

    change = signs(n, channels, 1, width).expand(part.images.shape).clamp(low, high)
    lead = part.margin(part.net(part.images + change).float())
    queries = torch.ones_like(part.labels)
    rows = torch.arange(height, device=device).view(1, -1, 1)
    columns = torch.arange(width, device=device).view(1, 1, -1)
    for generation in range(generations):
        alive = (lead <= 0).nonzero()[:, 0]  # the others are fooled already
        if not len(alive):
            break
        share = FIRST * 2 ** (-6 * generation / generations)
        side = max(1, min(height, width, round(math.sqrt(share * height * width))))
        top, left = (
            torch.randint(size - side + 1, (len(alive), 1, 1), generator=draws, device=device)
            for size in (height, width)
        )
        square = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
        drawn = signs(len(alive), channels, 1, 1)
        child = torch.where(square[:, None], drawn, change[alive]).clamp(low[alive], high[alive])
        chosen = part[alive]
        margin = chosen.margin(part.net(chosen.images + child).float())
        better = margin > lead[alive]
        change[alive] = torch.where(column(better), child, change[alive])
        lead[alive] = torch.where(better, margin, lead[alive])
        queries[alive] += 1
    return part.images + change, queries
