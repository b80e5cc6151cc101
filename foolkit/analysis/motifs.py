"""Small motifs that are evidence for a class: found singly, placed many times, compared.

What a second, a fourth, a sixteenth copy adds to a network's belief; beside it as many different
motifs of the same class, and controls that share a motif's area, brightness or regularity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from foolkit.analysis.repetition import erase_masked
from foolkit.checks import check_choice, check_count, check_images, check_labels
from foolkit.models.classifier import evaluating

KINDS = ("copies", "different", "shuffled", "other")


def log_odds(net: nn.Module, images: Tensor, classes: Tensor, batch: int = 500) -> Tensor:
    """The logarithm of p / (1 - p), p being a network's confidence in each image's class.

    Unlike p it does not stop at 1: ``z_k - logsumexp`` of the other logits.

    Args:
        net: from images to logits ``[N, K]``.
        images: ``[N, C, H, W]`` in [0, 1].
        classes: int64 ``[N]``.
        batch: images a forward pass.

    Returns:
        float32 ``[N]``.
    """
    with torch.no_grad(), evaluating(net):
        parts = zip(images.split(batch), classes.split(batch), strict=True)
        return torch.cat([_log_odds(net(part).float(), own) for part, own in parts])


def _log_odds(logits: Tensor, classes: Tensor) -> Tensor:
    own = one_hot(classes, logits.shape[1]).bool()
    return logits[own] - logits.masked_fill(own, -torch.inf).logsumexp(1)


def place_motifs(motifs: Tensor, placed: Tensor, fill: float = 0.0) -> Tensor:
    """Images of a grid of cells, with a motif in some of them and a plain ground in the rest.

    Args:
        motifs: ``[N, P, C, h, w]`` in [0, 1], what goes into each of P cells, row by row; P is a
            square number.
        placed: bool ``[N, P]``, the cells that are filled.
        fill: brightness of the ground.

    Returns:
        ``[N, C, sqrt(P) h, sqrt(P) w]``.
    """
    side = math.isqrt(motifs.shape[1])
    if motifs.ndim != 5 or side * side != motifs.shape[1]:
        raise ValueError(
            f"motifs: expected [N, P, C, h, w], P a square number, got {list(motifs.shape)}"
        )
    if placed.dtype != torch.bool or placed.shape != motifs.shape[:2]:
        raise ValueError(
            f"placed: expected bool {list(motifs.shape[:2])}, got {placed.dtype}"
            f" {list(placed.shape)}"
        )
    cells = torch.where(placed[:, :, None, None, None], motifs, fill)
    rows = cells.unflatten(1, (side, side)).permute(0, 3, 1, 4, 2, 5)  # N, C, row, h, column, w
    return rows.flatten(4, 5).flatten(2, 3)


def _singles(motifs: Tensor, cells: int) -> Tensor:
    """Each motif alone in each cell: ``[N * cells, C, H, W]`` of ``[N, C, h, w]``."""
    alone = torch.eye(cells, dtype=torch.bool, device=motifs.device).repeat(len(motifs), 1)
    spread = motifs.repeat_interleave(cells, 0)[:, None].expand(-1, cells, -1, -1, -1)
    return place_motifs(spread, alone)


def find_motifs(
    net: nn.Module,
    classes: Tensor,
    *,
    cells: int = 16,
    steps: int = 100,
    tried: int = 4,
    learning_rate: float = 0.2,
    seed: int = 0,
) -> Tensor:
    """Motifs that raise the log-odds of a class wherever *one* of them lies on black.

    From noise by Adam, on the mean of the log-odds over cells of the grid with a single copy in
    one of them: nothing about several copies goes into it.

    Args:
        net: from images of ``net.input_shape`` to logits.
        classes: int64 ``[N]``, of each motif.
        cells: of the grid, a square number that divides the images.
        steps, learning_rate: of Adam, on pixels behind a sigmoid.
        tried: cells in which each motif is tried at a step, drawn anew.
        seed: of the noise and the cells.

    Returns:
        float32 ``[N, C, h, w]`` in [0, 1], on the grid of 8 bits.

    Raises:
        ValueError: a grid that does not divide the images.
    """
    channels, height, width = net.input_shape
    check_count(steps, "steps")
    check_count(cells, "cells")
    side = math.isqrt(cells)
    if side * side != cells or height % side or width % side:
        raise ValueError(
            f"cells: expected a square number whose grid divides {height} x {width}, got {cells}"
        )
    shape = (len(classes), channels, height // side, width // side)
    draws = torch.Generator().manual_seed(seed)
    latent = torch.randn(shape, generator=draws).requires_grad_()
    optimiser = torch.optim.Adam([latent], lr=learning_rate)
    target = classes.repeat_interleave(tried)
    with evaluating(net):
        for _ in range(steps):
            where = torch.rand(len(classes), cells, generator=draws).argsort(1)[:, :tried]
            placed = one_hot(where.flatten(), cells).bool()
            motif = latent.sigmoid().repeat_interleave(tried, 0)[:, None]
            images = place_motifs(motif.expand(-1, cells, -1, -1, -1), placed)
            gained = _log_odds(net(images).float(), target)
            (slope,) = torch.autograd.grad(-gained.sum(), latent)
            latent.grad = slope
            optimiser.step()
    return (latent.detach().sigmoid() * 255).round() / 255


@dataclass(frozen=True)
class Placed:
    """What N motifs do to the log-odds of their class, in T numbers of cells.

    Attributes:
        counts: the numbers of filled cells.
        ground: float32 ``[N]``, log-odds of the empty ground.
        gain: float32 ``[N, P]``, what one copy adds to that, in each cell.
        log_odds: by kind ``[N, T]``: ``"copies"`` of one motif, ``"different"`` motifs of the
            same class, copies of the motif with its pixels ``"shuffled"``, and copies of a motif
            of an ``"other"`` class, in the same cells.
        added: by kind (``"copies"``, ``"different"``) ``[N, T]``: what the log-odds would be if
            the gains of the single motifs simply added up.
    """

    counts: tuple[int, ...]
    ground: Tensor
    gain: Tensor
    log_odds: dict[str, Tensor]
    added: dict[str, Tensor]


def fill_cells(
    net: nn.Module,
    motifs: Tensor,
    *,
    counts: tuple[int, ...] = (1, 2, 4, 8, 16),
    order: str = "best",
    seed: int = 0,
) -> Placed:
    """Fill 1, 2, 4, ... cells with copies of a motif, and with what it is to be compared with.

    All kinds fill the same cells in the same order: of each class the cells where its motifs gain
    most on average (``"best"``), or at random. The r-th cell of ``"different"`` gets the r-th
    motif of the class, counted from the one that ``"copies"`` repeats.

    Args:
        net: from images to logits ``[N, K]``.
        motifs: ``[K, M, C, h, w]`` in [0, 1], M of each of K classes.
        counts: of filled cells, at most P.
        order: of the cells, ``"best"`` first or ``"random"``.
        seed: of the shuffles and of a random order.

    Returns:
        K * M motifs, class by class.
    """
    check_choice(order, ("best", "random"), "order")
    classes, each, channels, high, wide = motifs.shape
    across = net.input_shape[1] // high
    cells = across * across
    if net.input_shape[1:] != (across * high, across * wide):
        raise ValueError(
            f"motifs: expected squares whose grid is {net.input_shape[1:]}, got {high} x {wide}"
        )
    if not counts or min(counts) < 1 or max(counts) > cells:
        raise ValueError(f"counts: expected numbers from 1 to {cells}, got {counts}")
    draws = torch.Generator().manual_seed(seed)
    single = motifs.flatten(0, 1)
    number = torch.arange(classes).repeat_interleave(each)
    black = torch.zeros(1, channels, *net.input_shape[1:])
    ground = log_odds(net, black.expand(classes, -1, -1, -1), torch.arange(classes))[number]
    alone = log_odds(net, _singles(single, cells), number.repeat_interleave(cells))
    gain = alone.view(-1, cells) - ground[:, None]
    liked = gain.view(classes, each, cells).mean(1) if order == "best" else torch.rand(
        classes, cells, generator=draws
    )  # fmt: skip
    place = liked.argsort(1, descending=True)[number]  # [N, P]: the cell that is filled r-th
    rank = place.argsort(1)
    turned = (torch.arange(each)[:, None] + torch.arange(cells)) % each  # [M, P]
    by_rank = motifs[:, turned].flatten(0, 1)  # [N, P, C, h, w]: the r-th motif
    mix = torch.stack([torch.randperm(high * wide, generator=draws) for _ in single])
    shuffled = single.flatten(2).gather(2, mix[:, None].expand(-1, channels, -1))
    contents = {
        "copies": single,
        "different": by_rank.gather(1, rank[:, :, None, None, None].expand_as(by_rank)),
        "shuffled": shuffled.view_as(single),
        "other": motifs.roll(-1, 0).flatten(0, 1),
    }
    found: dict[str, list[Tensor]] = {kind: [] for kind in KINDS}
    for count in counts:
        placed = rank < count
        for kind, content in contents.items():
            spread = content if content.ndim == 5 else content[:, None].expand_as(by_rank)
            found[kind].append(log_odds(net, place_motifs(spread, placed), number))
    own = gain.gather(1, place)  # of the r-th cell
    theirs = gain.view(classes, each, cells)
    by_turn = torch.stack(
        [theirs[k, turned[m], place[k * each + m]] for k in range(classes) for m in range(each)]
    )
    ends = torch.tensor(counts) - 1
    return Placed(
        tuple(counts), ground, gain,
        {kind: torch.stack(values, 1) for kind, values in found.items()},
        {
            kind: ground[:, None] + values.cumsum(1)[:, ends]
            for kind, values in (("copies", own), ("different", by_turn))
        },
    )  # fmt: skip


def worth_of_cells(
    net: nn.Module, images: Tensor, classes: Tensor, *, cells: int = 16, fill: str = "mean"
) -> Tensor:
    """The fall of the log-odds when each cell of a grid is erased, alone.

    Args:
        net: from images to logits ``[N, K]``.
        images: ``[N, C, H, W]`` in [0, 1].
        classes: int64 ``[N]``, whose log-odds are followed.
        cells: of the grid, a square number that divides the images.
        fill: as for ``erase_masked``.

    Returns:
        float32 ``[N, cells]``.
    """
    check_images(images)
    check_labels(classes, len(images), torch.iinfo(torch.int64).max, "classes")
    side = math.isqrt(cells)
    height, width = images.shape[2:]
    if side * side != cells or height % side or width % side:
        raise ValueError(
            f"cells: expected a square number whose grid divides {height} x {width}, got {cells}"
        )
    whole = log_odds(net, images, classes)
    falls = []
    for cell in range(cells):
        mask = torch.zeros(side, side, dtype=torch.bool)
        mask[cell // side, cell % side] = True
        mask = mask.repeat_interleave(height // side, 0).repeat_interleave(width // side, 1)
        erased = erase_masked(images, mask.expand(len(images), -1, -1).contiguous(), fill)
        falls.append(whole - log_odds(net, erased, classes))
    return torch.stack(falls, 1)


def nearest_pairs(
    values: Tensor, others: Tensor, groups: Tensor, other_groups: Tensor, within: float
) -> tuple[Tensor, Tensor]:
    """For each value the nearest other one of the same group, if it is near enough.

    For comparisons at equal log-odds: one other may stand beside several values.

    Args:
        values, others: ``[N]`` and ``[M]``.
        groups, other_groups: int64 ``[N]`` and ``[M]``.
        within: largest difference.

    Returns:
        int64, places in ``values`` and in ``others``, equally many.
    """
    away = (values[:, None] - others[None]).abs()
    away = away.masked_fill(groups[:, None] != other_groups[None], torch.inf)
    nearest, index = away.min(1)
    good = (nearest <= within).nonzero()[:, 0]
    return good, index[good]
