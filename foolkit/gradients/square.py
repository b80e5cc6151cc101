"""Random search without any gradient: squares of pixels, kept where they help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from foolkit.checks import check_count, check_number
from foolkit.gradients.problem import (
    CHUNK,
    Problem,
    attacking,
    check_within,
    column,
    norm_named,
)
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.progress import progress_bar
from foolkit.seeds import Seed, generator_of

Norm = Literal["inf", "2"]
NORMS: tuple[Norm, ...] = ("inf", "2")
HALVED_AFTER = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of the paper's 10,000 steps
TINY = 1e-12  # added to lengths that may be zero


def square(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    norm: Norm | float = "inf",
    steps: int = 1000,
    first: float = 0.8,
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: Seed = 0,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Perturbed:
    """Square Attack (Andriushchenko et al. 2020, algorithms 1 to 3).

    In Linf every component of the change is plus or minus ``epsilon``: at first in stripes of one
    column, then each step sets one square of pixels anew, with one sign in each channel. In L2
    the change is tiles of two hills each, one up and one down; each step empties one square and
    spends what that frees, and what is left of the ball, on another. A step is kept if the
    network's margin for a wrong class has grown. The share of the pixels in a square is halved as
    the search goes on. Nothing but logits is asked of the network, so that a gradient that
    vanishes or lies does not help it. Images that fool are done.

    Deviations: the margin is climbed towards a goal too, where the paper takes the cross-entropy;
    the places are drawn for each image by itself.

    Args:
        net, images, labels, targeted, mask, chunk: as for ``fgsm``.
        epsilon: radius of the ball in ``norm``, in units of the pixel range.
        norm: ``"inf"`` or ``"2"``.
        steps: at most, each a forward pass; one more is for the start.
        first: share of the pixels in the first squares, above 0 and at most 1: 0.8 is that of
            AutoAttack (Croce and Hein 2020).
        seed: of all that is drawn; an integer or a generator on the images' device.
        progress: show a bar if it takes longer than a second.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    check_number(epsilon, "epsilon", least=0)
    norm = norm_named(norm, NORMS)
    if norm == "inf":
        check_within([epsilon])
    check_count(steps, "steps")
    chunk = check_count(chunk, "chunk")
    check_number(first, "first", above=0, most=1)
    draws = generator_of(seed, images.device)
    shares = [first / 2 ** _halvings(10_000 * step // steps) for step in range(steps)]
    with attacking(problem.net), progress_bar(steps, "steps", progress=progress) as bar:
        changed, queries = searched(problem, float(epsilon), norm, shares, draws, chunk, bar)
    return perturbed(problem, changed, queries, chunk, (norm, float(epsilon)))


def _halvings(step: int) -> int:
    return sum(step > after for after in HALVED_AFTER)


def searched(
    problem: Problem,
    epsilon: float,
    norm: Norm,
    shares: Sequence[float],
    draws: torch.Generator,
    chunk: int,
    bar: tqdm[Any],
) -> tuple[Tensor, Tensor]:
    """The search itself (algorithm 1), with squares of a given share of the pixels in each step.

    Returns:
        The images, and the passes ``[N]`` that each took.
    """
    kind = _Stripes if norm == "inf" else _Hills
    squares: _Squares = kind(problem, epsilon, draws)
    change = squares.start()
    parts = zip(problem.split(chunk), change.split(chunk), strict=True)
    lead = torch.cat([p.margin(p.net(p.images + c).float()) for p, c in parts])
    queries = torch.ones_like(problem.labels)
    for share in shares:
        alive = (lead <= 0).nonzero()[:, 0]  # the others are fooled already
        if not len(alive):
            break
        # for all images: what one is dealt depends neither on the chunk nor on the others
        squares.draw(share)
        for rows in alive.split(chunk):
            part, child = problem[rows], squares.child(rows, change[rows])
            margin = part.margin(part.net(part.images + child).float())
            better = margin > lead[rows]
            change[rows] = torch.where(column(better), child, change[rows])
            lead[rows] = torch.where(better, margin, lead[rows])
            queries[rows] += 1
        bar.update()
    bar.update(len(shares) - bar.n)
    return problem.images + change, queries


class _Squares(Protocol):
    """Where a search begins, and where it looks next."""

    def start(self) -> Tensor:
        """The first change, ``[N, C, H, W]``."""

    def draw(self, share: float) -> None:
        """A square of a share of the pixels for each of all images."""

    def child(self, rows: Tensor, change: Tensor) -> Tensor:
        """The changes of some images with their squares set anew."""


class _Stripes:
    """In Linf (algorithm 2)."""

    def __init__(self, problem: Problem, epsilon: float, draws: torch.Generator) -> None:
        self.images, self.epsilon, self.draws = problem.images, epsilon, draws
        self.low, self.high = problem.bounds()
        n, channels, self.height, self.width = problem.images.shape
        self.count = (n, channels)

    def signs(self, *shape: int) -> Tensor:
        drawn = torch.randint(2, shape, generator=self.draws, device=self.images.device)
        return (2 * drawn - 1).to(self.images) * self.epsilon

    def start(self) -> Tensor:
        stripes = self.signs(*self.count, 1, self.width).expand(self.images.shape)
        return stripes.clamp(self.low, self.high)

    def draw(self, share: float) -> None:
        side = round(math.sqrt(share * self.height * self.width))
        self.side = max(1, min(self.height, self.width, side))
        self.top, self.left = _places(self.images, self.side, self.draws)
        self.drawn = self.signs(*self.count, 1, 1)

    def child(self, rows: Tensor, change: Tensor) -> Tensor:
        inside = _inside(change, self.top[rows], self.left[rows], self.side)
        changed = torch.where(inside, self.drawn[rows], change)
        return changed.clamp(self.low[rows], self.high[rows])


class _Hills:
    """In L2 (algorithm 3)."""

    def __init__(self, problem: Problem, epsilon: float, draws: torch.Generator) -> None:
        self.images, self.mask, self.epsilon, self.draws = (
            problem.images, problem.mask, epsilon, draws,
        )  # fmt: skip
        self.low, self.high = problem.bounds()

    def coins(self, *shape: int) -> Tensor:
        return torch.randint(2, shape, generator=self.draws, device=self.images.device).bool()

    def hills(self, side: int, turned: Tensor) -> Tensor:
        """``[..., side, side]``: of unit length, turned by a quarter or not, by coins ``[...]``."""
        hills = two_hills(side, self.images.device).to(self.images)
        return torch.where(turned[..., None, None], hills.T, hills)

    def start(self) -> Tensor:
        """A grid of tiles, five to the side of a square image, each up and down at random."""
        n, channels, height, width = self.images.shape
        side = max(1, min(height, width) // 5)
        down, across = height // side, width // side
        tiles = self.hills(side, self.coins(down, across))  # [down, across, side, side]
        signs = 2.0 * self.coins(n, channels, down, across) - 1
        tiled = (signs[..., None, None] * tiles).transpose(3, 4)
        change = torch.zeros_like(self.images)
        top, left = (height - down * side) // 2, (width - across * side) // 2
        change[..., top : top + down * side, left : left + across * side] = tiled.reshape(
            n, channels, down * side, across * side
        )
        return self.within(change, slice(None))

    def draw(self, share: float) -> None:
        n, channels, height, width = self.images.shape
        side = max(3, round(math.sqrt(share * height * width))) // 2 * 2 + 1  # odd
        self.side = min(side, height, width)
        self.filled = _places(self.images, self.side, self.draws)
        self.emptied = _places(self.images, self.side, self.draws)
        self.signs = 2.0 * self.coins(n, channels) - 1
        self.turned = self.coins(n, 1)

    def child(self, rows: Tensor, change: Tensor) -> Tensor:
        channels, side = change.shape[1], self.side
        filled, emptied = (
            _inside(change, top[rows], left[rows], side)
            for top, left in (self.filled, self.emptied)
        )
        # the square that is filled, cut out: [n, C, side, side]
        window = change[filled.expand_as(change)].view(len(rows), channels, side, side)
        hills = self.signs[rows][..., None, None] * self.hills(side, self.turned[rows])
        new = hills + window / (_length(window) + TINY)
        left = (self.epsilon**2 - change.square().sum((1, 2, 3), keepdim=True)).clamp_min(0)
        freed = (change * (filled | emptied)).square().sum((2, 3), keepdim=True)
        new = new / (_length(new) + TINY) * (left / channels + freed).sqrt()
        child = change.masked_fill(emptied, 0)
        child[filled.expand_as(change)] = new.flatten()
        return self.within(child, rows)

    def within(self, change: Tensor, rows: Tensor | slice) -> Tensor:
        """Stretched or shrunk to the ball's edge, then cut off at the box."""
        if self.mask is not None:
            change = change * self.mask[rows]
        length = torch.linalg.vector_norm(change.flatten(1), dim=1)
        stretched = change * column(self.epsilon / (length + TINY))
        return stretched.clamp(self.low[rows], self.high[rows])


def two_hills(side: int, device: torch.device | None = None) -> Tensor:
    """``[side, side]``, of unit length: a hill above, a valley below (equation 2 and figure 3)."""
    above = side // 2
    both = torch.cat([_hill(above, side, device), -_hill(side - above, side, device)])
    return both / (torch.linalg.vector_norm(both) + TINY)


def _hill(height: int, width: int, device: torch.device | None) -> Tensor:
    """Ever larger rectangles around the middle, the k-th with the weight ``1 / k^2``."""
    down = torch.arange(height, device=device)[:, None]
    across = torch.arange(width, device=device)[None]
    ring = torch.maximum((down - height // 2).abs(), (across - width // 2).abs())
    hill = torch.zeros(height, width, device=device)
    for k in range(max(height, width) // 2 + 1):
        hill += (ring <= k) / (k + 1) ** 2
    return hill / (torch.linalg.vector_norm(hill) + TINY)


def _places(images: Tensor, side: int, draws: torch.Generator) -> tuple[Tensor, Tensor]:
    """The top and left of a square for each image, ``[N, 1, 1, 1]``."""
    n, _, height, width = images.shape
    top, left = (
        torch.randint(size - side + 1, (n, 1, 1, 1), generator=draws, device=images.device)
        for size in (height, width)
    )
    return top, left


def _inside(images: Tensor, top: Tensor, left: Tensor, side: int) -> Tensor:
    """bool ``[N, 1, H, W]``: the pixels of each image's square."""
    height, width = images.shape[2:]
    y = torch.arange(height, device=images.device).view(-1, 1) - top
    x = torch.arange(width, device=images.device) - left
    return (y >= 0) & (y < side) & (x >= 0) & (x < side)


def _length(windows: Tensor) -> Tensor:
    return torch.linalg.vector_norm(windows, dim=(2, 3), keepdim=True)
