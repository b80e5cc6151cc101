"""Images cut into tiles, the tiles in another order, and what a network makes of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_images, check_labels, is_sequence
from foolkit.data.tiles import cut_tiles, paste_tiles
from foolkit.models import predict
from foolkit.seeds import generator_of


@dataclass(frozen=True)
class Scramble:
    """What a network makes of images whose tiles were put in another order.

    Attributes:
        grid: tiles across and down; 1: the images as they were.
        images: float32 ``[N, C, H, W]``, what the network was shown.
        labels: int64 ``[N]``, what each image counts as.
        answer: int64 ``[N]``, the most confident class.
        confidence: float32 ``[N]``, the confidence of that answer.
        in_label: float32 ``[N]``, the confidence in the label.
    """

    grid: int
    images: Tensor
    labels: Tensor
    answer: Tensor
    confidence: Tensor
    in_label: Tensor

    @property
    def right(self) -> Tensor:
        """bool ``[N]``: whether the answer is the label."""
        return self.answer == self.labels

    @property
    def accuracy(self) -> float:
        """The share of images whose answer is their label."""
        return float(self.right.double().mean())

    @property
    def mean_confidence(self) -> float:
        """The mean confidence of the answers, right or wrong."""
        return float(self.confidence.double().mean())


def orders(n: int, tiles: int, *, seed: int = 0) -> Tensor:
    """Random orders of ``tiles`` tiles, int64 ``[n, tiles]``: uniform, but never the old order.

    Drawn on the CPU, so that a seed means the same everywhere.
    """
    check_count(n, "n")
    check_count(tiles, "tiles", minimum=2)
    check_count(seed, "seed", minimum=0)
    draws = generator_of(seed)
    found = torch.rand(n, tiles, generator=draws).argsort(1)
    while (same := found.eq(torch.arange(tiles)).all(1)).any():  # of few tiles, now and then
        found[same] = torch.rand(int(same.sum()), tiles, generator=draws).argsort(1)
    return found


def shuffle_tiles(images: Tensor, grid: int, *, seed: int = 0, crop: bool = False) -> Tensor:
    """Each image cut into ``grid`` by ``grid`` tiles, and these in a random other order.

    Args:
        images, grid, crop: see ``cut_tiles``; a grid of at least 2.
        seed: of the orders; each image has its own.

    Returns:
        float32 ``[N, C, H, W]`` (smaller, if something was cropped).

    Raises:
        TypeError, ValueError: bad images, or a grid that does not fit them.
    """
    check_count(grid, "grid", minimum=2)
    tiles = cut_tiles(images, grid, crop=crop)
    order = orders(len(images), grid * grid, seed=seed).to(images.device)
    return paste_tiles(tiles[torch.arange(len(images), device=images.device)[:, None], order])


def mosaic(images: Tensor, labels: Tensor, grid: int, *, seed: int = 0) -> Tensor:
    """Each image with every tile taken from another image of its class, at the same place.

    The control for the seams of ``shuffle_tiles``: tiles that do not fit together, in order.

    Args:
        images, grid: see ``cut_tiles``; a grid of at least 2.
        labels: int64 ``[N]``, each class at least twice.
        seed: of the draws, for each image and place uniform among the others of the class.

    Raises:
        TypeError, ValueError: bad images or labels, or a grid that does not fit.
    """
    check_count(grid, "grid", minimum=2)
    check_count(seed, "seed", minimum=0)
    tiles = cut_tiles(images, grid)
    check_labels(labels, len(images))
    draws = generator_of(seed)
    found = torch.empty_like(tiles)
    for label in labels.unique().tolist():
        members = (labels == label).nonzero()[:, 0].cpu()
        count = len(members)
        if count < 2:
            raise ValueError(f"labels: expected each class at least twice, got {label} once")
        further = torch.randint(1, count, (count, grid * grid), generator=draws)  # round the class
        others = members[(torch.arange(count)[:, None] + further) % count]
        found[members] = tiles[others, torch.arange(grid * grid)]
    return paste_tiles(found)


def fade_seams(images: Tensor, grid: int, *, width: int = 1) -> Tensor:
    """Images whose tiles darken towards their edges, so that seams make no edge on black.

    Pixel ``d`` from the edge of its tile (0: at the edge) keeps ``(d + 0.5) / width`` of its
    brightness, at most all of it. Shuffling the tiles afterwards is the same as fading them
    after a shuffle.

    Args:
        images, grid: see ``cut_tiles``.
        width: pixels from the edge where fading begins.

    Raises:
        TypeError, ValueError: bad images, or a grid that does not fit them.
    """
    check_count(width, "width")
    tiles = cut_tiles(images, grid)
    high, wide = (_ramp(size, width).to(images.device) for size in tiles.shape[-2:])
    return paste_tiles(tiles * high[:, None] * wide)


def seam_step(images: Tensor, grid: int) -> Tensor:
    """How far neighbouring pixels on the two sides of a seam differ, mean over the seams, ``[N]``.

    Args:
        images, grid: see ``cut_tiles``; a grid of at least 2.

    Raises:
        TypeError, ValueError: bad images, or a grid that does not fit them.
    """
    check_count(grid, "grid", minimum=2)
    high, wide = cut_tiles(images, grid).shape[-2:]
    down, along = (torch.arange(1, grid, device=images.device) * size for size in (high, wide))
    steps = (
        images[:, :, down] - images[:, :, down - 1],
        images[:, :, :, along] - images[:, :, :, along - 1],
    )
    return torch.cat([step.flatten(1) for step in steps], 1).abs().mean(1)


def _ramp(size: int, width: int) -> Tensor:
    """The share of brightness along a side of a tile, float32 ``[size]``."""
    place = torch.arange(size)
    return ((torch.minimum(place, size - 1 - place) + 0.5) / width).clamp(max=1)


def scramble(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    grids: Sequence[int] = (2, 4, 7),
    seed: int = 0,
) -> dict[int, Scramble]:
    """Show a network images as they are and with their tiles shuffled, grid by grid.

    Args:
        net: a classifier.
        images: float32 ``[N, C, H, W]`` in [0, 1], real or fooling.
        labels: int64 ``[N]``: the digit, or what a fooling image was made for.
        grids: tiles across and down, each a divisor of the size.
        seed: of the orders.

    Returns:
        A ``Scramble`` for 1 (untouched) and for each grid.

    Raises:
        TypeError, ValueError: bad images, labels or grids.
    """
    check_images(images)
    if not is_sequence(grids):
        raise TypeError(f"grids: expected a sequence of integers, got {grids!r}")
    for grid in grids:
        check_count(grid, "grids", minimum=2)
        if any(size % grid for size in images.shape[2:]):
            raise ValueError(f"grids: expected divisors of {list(images.shape[2:])}, got {grid}")
    shown = {1: images} | {grid: shuffle_tiles(images, grid, seed=seed) for grid in grids}
    return {grid: _shown(net, grid, these, labels) for grid, these in shown.items()}


def _shown(net: nn.Module, grid: int, images: Tensor, labels: Tensor) -> Scramble:
    confidences = predict(net, images)
    check_labels(labels, len(images), confidences.shape[1])
    confidence, answer = confidences.max(1)
    in_label = confidences.gather(1, labels[:, None].long())[:, 0]
    return Scramble(grid, images, labels, answer, confidence, in_label)
