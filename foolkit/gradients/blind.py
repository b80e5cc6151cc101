"""A perturbation bred without any gradient: squares of pixels, kept where they help."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_number
from foolkit.gradients.problem import CHUNK, Problem, attacking, check_within, column
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.seeds import Seed, generator_of

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
    seed: Seed = 0,
    chunk: int = CHUNK,
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
        net, images, labels, targeted, mask, chunk: as for ``fgsm``.
        epsilon: largest change of a pixel, in units of the pixel range.
        generations: children an image, each a forward pass.
        seed: of stripes and squares; an integer or a generator on the images' device.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    check_number(epsilon, "epsilon", least=0)
    check_within([epsilon])
    check_count(generations, "generations")
    check_count(chunk, "chunk")
    draws = generator_of(seed, images.device)
    with attacking(problem.net):
        changed, queries = _bred(problem, epsilon, generations, draws, chunk)
    return perturbed(problem, changed, queries, chunk, ("inf", float(epsilon)))


def _bred(
    problem: Problem, epsilon: float, generations: int, draws: torch.Generator, chunk: int
) -> tuple[Tensor, Tensor]:
    """The images after all generations, and the passes that each took."""
    n, channels, height, width = problem.images.shape
    device = problem.images.device

    def signs(*shape: int) -> Tensor:
        drawn = torch.randint(2, shape, generator=draws, device=device)
        return (2 * drawn - 1).to(problem.images) * epsilon

    low, high = problem.bounds()
    change = signs(n, channels, 1, width).expand(problem.images.shape).clamp(low, high)
    parts = zip(problem.split(chunk), change.split(chunk), strict=True)
    lead = torch.cat([p.margin(p.net(p.images + c).float()) for p, c in parts])
    queries = torch.ones_like(problem.labels)
    down = torch.arange(height, device=device).view(1, -1, 1)
    across = torch.arange(width, device=device).view(1, 1, -1)
    for generation in range(generations):
        alive = (lead <= 0).nonzero()[:, 0]  # the others are fooled already
        if not len(alive):
            break
        share = FIRST * 2 ** (-6 * generation / generations)
        side = max(1, min(height, width, round(math.sqrt(share * height * width))))
        # for all images: what one is dealt depends neither on the chunk nor on the others
        top, left = (
            torch.randint(size - side + 1, (n, 1, 1), generator=draws, device=device)
            for size in (height, width)
        )
        drawn = signs(n, channels, 1, 1)
        for rows in alive.split(chunk):
            y, x = down - top[rows], across - left[rows]
            square = (y >= 0) & (y < side) & (x >= 0) & (x < side)
            child = torch.where(square[:, None], drawn[rows], change[rows])
            child = child.clamp(low[rows], high[rows])
            part = problem[rows]
            margin = part.margin(part.net(part.images + child).float())
            better = margin > lead[rows]
            change[rows] = torch.where(column(better), child, change[rows])
            lead[rows] = torch.where(better, margin, lead[rows])
            queries[rows] += 1
    return problem.images + change, queries
