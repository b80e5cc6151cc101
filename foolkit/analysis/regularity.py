"""How regular an image is: compressed size, symmetry, bars; and what recurs from run to run."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from foolkit.checks import (
    MOST_DRAWS,
    check_count,
    check_images,
    check_no_nan,
    check_numbers,
    check_tensor,
)
from foolkit.files import as_bytes
from foolkit.seeds import generator_of

FLIPS = {"left-right": (3,), "top-bottom": (2,), "half turn": (2, 3)}


def compressed_size(images: Tensor) -> Tensor:
    """Bytes of each image as 8-bit grey levels or colours under zlib at its best, int64 ``[N]``.

    Nguyen et al. (2015), section 2.3, call images regular that compress. Noise does not: it stays
    at the ``C * H * W`` bytes that it has, and a few more.

    Args:
        images: ``[N, C, H, W]`` in [0, 1]; values are rounded to multiples of 1/255.
    """
    check_images(images)
    levels = as_bytes(images.detach().cpu())
    return torch.tensor([len(zlib.compress(image.numpy().tobytes(), 9)) for image in levels])


def symmetry(images: Tensor) -> dict[str, Tensor]:
    """Correlation of each image with its mirror images, from -1 to 1 (1: the very same).

    Args:
        images: ``[N, C, H, W]`` in [0, 1].

    Returns:
        ``[N]`` for each of "left-right", "top-bottom" and "half turn". An image of one colour
        has 1: it does not change.
    """
    check_images(images)
    centred = (images - images.mean((2, 3), keepdim=True)).double()
    power = centred.square().sum((1, 2, 3))
    flat = power < 1e-12
    return {
        name: torch.where(flat, 1.0, (centred * centred.flip(axes)).sum((1, 2, 3)) / (power + flat))
        for name, axes in FLIPS.items()
    }


def variance_in_bars(images: Tensor, degrees: Sequence[float] = (0, 90)) -> Tensor:
    """Share of each image's variance that lies in straight bars of a direction, ``[N, A]``.

    The pixels are sorted into strips one pixel wide along the direction; the share is the
    variance of the strips' means over the variance of the pixels (the eta squared of an analysis
    of variance). It is 1 for straight bars all across the image, and about 1/H for white noise.

    Args:
        images: ``[N, C, H, W]`` in [0, 1]; colours are averaged.
        degrees: A directions of bars: 0 is level, 90 upright, 45 leans to the right, as ``/``.

    Returns:
        From 0 to 1; 0 for an image of one colour.
    """
    check_images(images)
    height, width = images.shape[2:]
    grey = images.mean(1).double().flatten(1)
    grey = grey - grey.mean(1, keepdim=True)
    power = grey.square().sum(1)
    flat = power < 1e-12
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    shares = []
    for degree in check_numbers(degrees, "degrees"):
        angle = math.radians(degree)
        across = column * math.sin(angle) + row * math.cos(angle)
        strip = (across - across.min()).round().long().flatten().to(images.device)
        count = strip.bincount().clamp_min(1)
        sums = grey.new_zeros((len(grey), len(count))).index_add_(1, strip, grey)
        shares.append(torch.where(flat, 0.0, (sums.square() / count).sum(1) / (power + flat)))
    return torch.stack(shares, 1)


@dataclass(frozen=True)
class Recurrence:
    """What recurs in the images of each class, run after run.

    Attributes:
        excess: ``[K, ...]``, how much more of it the class has than the mean of all classes.
        p: ``[K, ...]``, for each place of each class how often a relabelling of the classes
            within the runs gives so large an excess, of either sign, *anywhere*: already
            corrected for all K classes and all places.
        runs: how many runs.
    """

    excess: Tensor
    p: Tensor
    runs: int


def recurrence(measured: Tensor, permutations: int = 1000, seed: int = 0) -> Recurrence:
    """Test whether what was measured belongs to the classes, with the run as the replicate.

    The ten elites of a run have ancestors in common and are not independent; runs are. If the
    class played no part, the rows of a run could change places freely. So they do,
    ``permutations`` times, in each run of its own; the largest excess over all classes and places
    is what each excess is held against (the max statistic of Westfall and Young 1993), in units
    of its standard deviation over the relabellings. The true labelling is counted in, so no p is
    below ``1 / (permutations + 1)``.

    Args:
        measured: ``[R, K, ...]``, of each run and class: images, or numbers made of them.
        permutations: relabellings.
        seed: of the relabellings, which are drawn on the CPU.

    Raises:
        ValueError: less than two classes.
    """
    if not isinstance(measured, Tensor) or measured.ndim < 2 or measured.shape[1] < 2:
        came = list(measured.shape) if isinstance(measured, Tensor) else type(measured).__name__
        raise ValueError(f"measured: expected a tensor [runs, 2 or more classes, ...], got {came}")
    check_tensor(measured, "measured", floating=True)
    check_no_nan(measured, "measured")
    check_count(permutations, "permutations", most=MOST_DRAWS)
    runs, classes = measured.shape[:2]
    centred = measured.flatten(2) if measured.ndim > 2 else measured[:, :, None]
    centred = (centred - centred.mean(1, keepdim=True)).double()
    # under relabelling a row is any of its run's, so the variance of the mean is known exactly
    spread = centred.square().mean(1).sum(0).sqrt() / runs
    scale = torch.where(spread > 1e-12, spread, torch.inf)
    excess = centred.mean(0)
    score = (excess / scale).abs()
    draws = generator_of(seed)
    beaten = torch.ones_like(score)
    for _ in range(permutations):
        order = torch.rand((runs, classes), generator=draws).argsort(1).to(measured.device)
        moved = centred.gather(1, order[:, :, None].expand_as(centred)).mean(0)
        beaten += (moved / scale).abs().max() >= score - 1e-9
    shape = measured.shape[1:]
    return Recurrence(
        excess.view(shape).to(measured.dtype), (beaten / (permutations + 1)).view(shape), runs
    )
