"""Small motifs that are evidence for a class: found singly, placed many times, compared.

What a second, a fourth, a sixteenth copy adds to a network's belief; beside it as many different
motifs of the same class, and controls that share a motif's area, brightness or regularity. And
what a copy is worth to an image that repeats, beside the same region of one that does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, one_hot

from foolkit.analysis.repetition import Repeats, erase_masked, log_odds, log_odds_of
from foolkit.checks import (
    check_between,
    check_choice,
    check_count,
    check_fraction,
    check_images,
    check_kind,
    check_labels,
    check_no_nan,
    check_number,
    check_tensor,
    is_sequence,
)
from foolkit.models.classifier import Classifier
from foolkit.models.door import answer, evaluating
from foolkit.seeds import Seed, generator_of

LARGEST = 1e30  # of a difference: no numbers are further apart
KINDS = ("copies", "different", "shuffled", "other")
APART = 5.0  # log-odds that a unit of correlation too much costs, for each pair of motifs


def place_motifs(motifs: Tensor, placed: Tensor, fill: float = 0.0) -> Tensor:
    """Images of a grid of cells, with a motif in some of them and a plain ground in the rest.

    Args:
        motifs: ``[N, P, C, h, w]`` in [0, 1], what goes into each of P cells, row by row; P is a
            square number.
        placed: bool ``[N, P]``, the cells that are filled.
        fill: brightness of the ground.

    Returns:
        ``[N, C, sqrt(P) h, sqrt(P) w]``.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    check_tensor(motifs, "motifs", 5, floating=True)
    check_tensor(placed, "placed", 2)
    check_fraction(fill, "fill")
    side = math.isqrt(motifs.shape[1])
    if side * side != motifs.shape[1]:
        raise ValueError(
            f"motifs: expected [N, P, C, h, w], P a square number, got {list(motifs.shape)}"
        )
    if placed.dtype != torch.bool or placed.shape != motifs.shape[:2]:
        raise ValueError(
            f"placed: expected bool {list(motifs.shape[:2])}, got {placed.dtype}"
            f" {list(placed.shape)}"
        )
    cells = torch.where(placed[:, :, None, None, None], motifs, float(fill))
    rows = cells.unflatten(1, (side, side)).permute(0, 3, 1, 4, 2, 5)  # N, C, row, h, column, w
    return rows.flatten(4, 5).flatten(2, 3)


def _singles(motifs: Tensor, cells: int) -> Tensor:
    """Each motif alone in each cell: ``[N * cells, C, H, W]`` of ``[N, C, h, w]``."""
    alone = torch.eye(cells, dtype=torch.bool, device=motifs.device).repeat(len(motifs), 1)
    spread = motifs.repeat_interleave(cells, 0)[:, None].expand(-1, cells, -1, -1, -1)
    return place_motifs(spread, alone)


def find_motifs(
    net: Classifier,
    classes: Tensor,
    *,
    alike: float = 0.25,
    cells: int = 16,
    steps: int = 60,
    tried: int = 4,
    learning_rate: float = 0.2,
    seed: Seed = 0,
) -> Tensor:
    """Different motifs that raise the log-odds of a class where *one* of them lies on black.

    From noise by Adam, with a single copy in one cell of the grid: nothing about several copies
    goes into it. Of the cells that are tried the better half counts: asked for all places at
    once, the search on a network that reads places ends at a black motif, which harms nowhere.
    Left alone it finds nearly the same motif again and again; so each pair of one class pays for
    its correlation.

    Args:
        net: from images of ``net.input_shape`` to logits.
        classes: int64 ``[N]``, of each motif.
        alike: correlation of the pixels that two motifs of a class may have for nothing, in
            (0, 1); they end about there, seldom much above.
        cells: of the grid, a square number that divides the images.
        steps, learning_rate: of Adam, on pixels behind a sigmoid.
        tried: cells in which each motif is tried at a step, drawn anew; from 2 to ``cells``.
        seed: of the noise and the cells.

    Returns:
        float32 ``[N, C, h, w]`` in [0, 1], on the grid of 8 bits.

    Raises:
        TypeError, ValueError: an argument that does not fit, a grid that does not divide the
            images.
    """
    check_kind(net, Classifier, "net")
    check_tensor(classes, "classes", 1)
    check_labels(classes, len(classes), len(net.classes), "classes")
    check_number(learning_rate, "learning_rate", above=0, most=LARGEST)
    learning_rate = float(learning_rate)
    classes = classes.long()
    channels, height, width = net.input_shape
    steps, tried = check_count(steps, "steps"), check_count(tried, "tried", 2)
    cells = check_count(cells, "cells")
    check_between(alike, "alike")
    side = _side(cells, height, width)
    if tried > cells:
        raise ValueError(f"tried: expected at most {cells} (cells), got {tried}")
    shape = (len(classes), channels, height // side, width // side)
    draws = generator_of(seed)
    latent = torch.randn(shape, generator=draws).requires_grad_()
    optimiser = torch.optim.Adam([latent], lr=learning_rate)
    target = classes.repeat_interleave(tried)
    pairs = (classes[:, None] == classes) & ~torch.eye(len(classes), dtype=torch.bool)
    with evaluating(net):
        for _ in range(steps):
            where = torch.rand(len(classes), cells, generator=draws).argsort(1)[:, :tried]
            placed = one_hot(where.flatten(), cells).bool()
            motif = latent.sigmoid()
            spread = motif.repeat_interleave(tried, 0)[:, None].expand(-1, cells, -1, -1, -1)
            reached = log_odds_of(answer(net, place_motifs(spread, placed)), target)
            reached = reached.view(-1, tried).topk(tried // 2, 1).values
            alikeness = motif.flatten(1).corrcoef().view_as(pairs)  # of one motif it is a number
            excess = (alikeness[pairs] - alike).clamp_min(0)
            (slope,) = torch.autograd.grad(APART * excess.sum() - reached.sum(), latent)
            latent.grad = slope
            optimiser.step()
    return (latent.detach().sigmoid() * 255).round() / 255


def _side(cells: int, height: int, width: int) -> int:
    """How many cells a side of the grid has."""
    side = math.isqrt(cells)
    if side * side != cells or height % side or width % side:
        raise ValueError(
            f"cells: expected a square number whose grid divides {height} x {width}, got {cells}"
        )
    return side


@dataclass(frozen=True)
class Placed:
    """What N motifs do to a network's belief in their class, in T numbers of cells.

    Attributes:
        counts: the numbers of filled cells.
        ground: float32 ``[N]``, log-odds of the empty ground.
        gain: float32 ``[N, P]``, what one copy adds to that, in each cell.
        log_odds: by kind ``[N, T]``: ``"copies"`` of one motif, ``"different"`` motifs of the
            same class, copies of the motif with its pixels ``"shuffled"``, and copies of a motif
            of an ``"other"`` class, in the same cells.
        added: by kind (``"copies"``, ``"different"``) ``[N, T]``: what the log-odds would be if
            the gains of the single motifs simply added up.
        logit, logit_added: the same two of the logit of the class, counted from the mean of all
            logits, for it is only their differences that mean something.
    """

    counts: tuple[int, ...]
    ground: Tensor
    gain: Tensor
    log_odds: dict[str, Tensor]
    added: dict[str, Tensor]
    logit: dict[str, Tensor]
    logit_added: dict[str, Tensor]


@torch.inference_mode()
def _believed(net: nn.Module, images: Tensor, classes: Tensor, chunk: int = 500) -> Tensor:
    """Log-odds and logit (counted from the mean of all) of each image's class: ``[2, N]``."""
    with evaluating(net):
        logits = torch.cat([answer(net, part) for part in images.split(chunk)])
    logit = logits.gather(1, classes[:, None])[:, 0] - logits.mean(1)
    return torch.stack([log_odds_of(logits, classes), logit])


def fill_cells(
    net: Classifier,
    motifs: Tensor,
    *,
    counts: tuple[int, ...] = (1, 2, 4, 8, 16),
    order: str = "best",
    seed: Seed = 0,
) -> Placed:
    """Fill 1, 2, 4, ... cells with copies of a motif, and with what it is to be compared with.

    All kinds fill the same cells in the same order: of each class the cells where its motifs gain
    most on average (``"best"``), or at random. The r-th cell of ``"different"`` gets the r-th
    motif of the class, counted from the one that ``"copies"`` repeats: over the motifs of a
    class both kinds put every motif into every cell equally often.

    Args:
        net: from images to logits ``[N, K]``.
        motifs: ``[K, M, C, h, w]`` in [0, 1], M of each of K classes.
        counts: of filled cells, at most P.
        order: of the cells, ``"best"`` first or ``"random"``.
        seed: of the shuffles and of a random order.

    Returns:
        K * M motifs, class by class.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    check_choice(order, ("best", "random"), "order")
    cells = _across(net, motifs) ** 2
    classes, each, channels, high, wide = motifs.shape
    counts = _numbers(counts, cells, "counts")
    draws = generator_of(seed)
    single = motifs.flatten(0, 1)
    number = torch.arange(classes).repeat_interleave(each)
    black = torch.zeros(1, channels, *net.input_shape[1:])
    ground = _believed(net, black.expand(classes, -1, -1, -1), torch.arange(classes))[:, number]
    alone = _believed(net, _singles(single, cells), number.repeat_interleave(cells))
    gain = alone.unflatten(1, (-1, cells)) - ground[:, :, None]  # [2, N, P]
    liked = gain[0].view(classes, each, cells).mean(1) if order == "best" else torch.rand(
        classes, cells, generator=draws
    )  # fmt: skip
    place = liked.argsort(1, descending=True)[number]  # [N, P]: the cell that is filled r-th
    rank = place.argsort(1)
    turned = (torch.arange(each)[:, None] + torch.arange(cells)) % each  # [M, P]: the r-th motif
    turned = torch.arange(classes)[:, None, None] * each + turned  # of [N, ...]
    turned = turned.flatten(0, 1)
    mix = torch.stack([torch.randperm(high * wide, generator=draws) for _ in single])
    shuffled = single.flatten(2).gather(2, mix[:, None].expand(-1, channels, -1))
    contents = {
        "copies": single[:, None].expand(-1, cells, -1, -1, -1),
        "different": single[turned.gather(1, rank)],
        "shuffled": shuffled.view_as(single)[:, None].expand(-1, cells, -1, -1, -1),
        "other": motifs.roll(-1, 0).flatten(0, 1)[:, None].expand(-1, cells, -1, -1, -1),
    }
    found = {
        kind: torch.stack(
            [_believed(net, place_motifs(content, rank < count), number) for count in counts], 2
        )
        for kind, content in contents.items()
    }
    ends = torch.tensor(counts) - 1
    own = torch.arange(len(single))[:, None].expand(-1, cells)
    added = {
        kind: ground[:, :, None] + gain[:, which, place].cumsum(2)[:, :, ends]
        for kind, which in (("copies", own), ("different", turned))
    }
    return Placed(
        counts, ground[0], gain[0],
        *({kind: values[measure] for kind, values in table.items()}
          for measure in (0, 1) for table in (found, added)),
    )  # fmt: skip


def _across(net: Classifier, motifs: Tensor) -> int:
    """How many motifs go side by side into an image, once they are checked."""
    check_kind(net, Classifier, "net")
    check_tensor(motifs, "motifs", 5, floating=True)
    check_images(motifs.flatten(0, 1), argument="motifs")
    classes, channels = len(net.classes), net.input_shape[0]
    if len(motifs) > classes or motifs.shape[2] != channels:
        raise ValueError(
            f"motifs: expected [K, M, {channels}, h, w], K at most {classes}, got"
            f" {list(motifs.shape)}"
        )
    high, wide = motifs.shape[-2:]
    across = net.input_shape[1] // high
    if tuple(net.input_shape[1:]) != (across * high, across * wide):
        raise ValueError(
            f"motifs: expected squares whose grid is {net.input_shape[1:]}, got {high} x {wide}"
        )
    return across


def _numbers(given: Sequence[int], most: int, argument: str) -> tuple[int, ...]:
    """Integers from 1 to ``most``, at least one."""
    if isinstance(given, str) or not is_sequence(given):
        raise TypeError(f"{argument}: expected numbers from 1 to {most}, got {given!r}")
    numbers = tuple(check_count(number, argument, most=most) for number in given)
    if not numbers:
        raise ValueError(f"{argument}: expected numbers from 1 to {most}, got none")
    return numbers


def fill_blocks(
    net: Classifier, motifs: Tensor, *, sides: tuple[int, ...] = (2, 3, 4)
) -> dict[str, Tensor]:
    """Copies of a motif side by side, and one enlarged copy of the same area, in the same place.

    Args:
        net: from images to logits ``[N, K]``.
        motifs: ``[K, M, C, h, w]`` in [0, 1], M of each of K classes.
        sides: of the square blocks, in motifs.

    Returns:
        The log-odds of ``"copies"`` and of ``"enlarged"``, float32 ``[K * M, S]``, the mean over
        all places of the grid where a block fits.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    across = _across(net, motifs)
    sides = _numbers(sides, across, "sides")
    single = motifs.flatten(0, 1)
    number = torch.arange(len(motifs)).repeat_interleave(motifs.shape[1])
    found: dict[str, list[Tensor]] = {"copies": [], "enlarged": []}
    for side in sides:
        blocks = {
            "copies": single.repeat(1, 1, side, side),
            "enlarged": interpolate(single, scale_factor=side),
        }
        high, wide = blocks["copies"].shape[2:]
        starts = range(across - side + 1)
        for kind, block in blocks.items():
            everywhere = []
            for row in starts:
                for column in starts:
                    images = single.new_zeros(len(single), *net.input_shape)
                    top, left = row * motifs.shape[3], column * motifs.shape[4]
                    images[:, :, top : top + high, left : left + wide] = block
                    everywhere.append(log_odds(net, images, number))
            found[kind].append(torch.stack(everywhere).mean(0))
    return {kind: torch.stack(values, 1) for kind, values in found.items()}


def worth_of_regions(
    net: nn.Module, images: Tensor, classes: Tensor, repeats: Repeats, *, fill: str = "mean"
) -> Tensor:
    """The fall of the log-odds when each of the regions of ``repeats`` is erased, alone.

    Of the images that repeat these are their copies. Of others, given the ``repeats`` of their
    partners, they are regions of the same places, shapes and number.

    Args:
        net: from images to logits ``[N, K]``.
        images: ``[N, C, H, W]`` in [0, 1].
        classes: int64 ``[N]``, whose log-odds are followed.
        repeats: the regions, of N images of this size.
        fill: as for ``erase_masked``.

    Returns:
        float32 ``[N, R]``, R the most regions of an image; NaN where one has fewer.

    Raises:
        TypeError, ValueError: an argument that does not fit, repeats of other images.
    """
    check_images(images, getattr(net, "input_shape", None))
    check_kind(repeats, Repeats, "repeats")
    if repeats.copy.shape != images[:, 0].shape:
        raise ValueError(
            f"repeats: expected those of {len(images)} images of {list(images.shape[2:])},"
            f" got {list(repeats.copy.shape)}"
        )
    numbers = torch.arange(int(repeats.count.max()), device=repeats.count.device)
    of, number = (numbers < repeats.count[:, None]).nonzero().T
    erased = erase_masked(images[of], repeats.copy[of] == number[:, None, None], fill)
    whole = log_odds(net, images, classes)
    falls = whole.new_full((len(images), len(numbers)), math.nan)
    falls[of, number] = whole[of] - log_odds(net, erased, classes[of])
    return falls


def matched_pairs(
    values: Tensor, others: Tensor, groups: Tensor, other_groups: Tensor, within: float
) -> tuple[Tensor, Tensor]:
    """As many near pairs of one group as there are, and of these choices the nearest in sum.

    For comparisons at equal log-odds. Each member stands in at most one pair.

    Args:
        values, others: ``[N]`` and ``[M]``.
        groups, other_groups: int64 ``[N]`` and ``[M]``.
        within: largest difference.

    Returns:
        int64, places in ``values`` and in ``others``, equally many.
    """
    from scipy.optimize import linear_sum_assignment  # slow to import

    for name, numbers in (("values", values), ("others", others)):
        check_tensor(numbers, name, 1)
        check_no_nan(numbers, name)
    check_number(within, "within", least=0, most=LARGEST)
    within = float(within)
    check_labels(groups, len(values), torch.iinfo(torch.int64).max, "groups")
    check_labels(other_groups, len(others), torch.iinfo(torch.int64).max, "other_groups")
    values, others = values.detach().cpu().double(), others.detach().cpu().double()
    groups, other_groups = groups.cpu(), other_groups.cpu()
    away = (values[:, None] - others[None]).abs()
    possible = (away <= within) & (groups[:, None] == other_groups[None])
    # a pair that may not be costs more than all that may be together
    cost = torch.where(possible, away, within * (1 + min(possible.shape)) + 1.0)
    first, second = (torch.from_numpy(np.asarray(p)) for p in linear_sum_assignment(cost.numpy()))
    good = possible[first, second]
    return first[good], second[good]
