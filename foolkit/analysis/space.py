"""The rest of image space: shares of random images, rays, straight lines, the nearest digit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from foolkit.analysis.intervals import Interval, exact_interval
from foolkit.checks import (
    MOST_VALUES,
    check_choice,
    check_count,
    check_images,
    check_numbers,
    check_tensor,
    image_shape,
    sizes_of,
)
from foolkit.models.door import evaluating, finite_answer
from foolkit.models.precision import device_of
from foolkit.progress import progress_bar
from foolkit.seeds import generator_of

CENTRED = 1e-12  # length of a change of the logits below which it counts as none

Draw = Callable[[int, torch.Generator], Tensor]


@dataclass(frozen=True)
class ClassShares:
    """How much of a space of random images a network gives to each class; L levels, K classes.

    Attributes:
        levels: float64 ``[L]``, confidences that count as certain enough.
        hits: int64 ``[L, K]``, images that got this class with at least this confidence.
        images: how many were drawn.
    """

    levels: Tensor
    hits: Tensor
    images: int

    @property
    def share(self) -> Tensor:
        """``hits / images``, float64 ``[L, K]``."""
        return self.hits.double() / self.images

    @property
    def total(self) -> Tensor:
        """The share that any class got with at least this confidence, float64 ``[L]``."""
        return self.share.sum(1)

    def interval(self, level: float = 0.95) -> Interval[Tensor]:
        """``share`` with its exact interval, ``[L, K]``: ``exact_interval``."""
        return exact_interval(self.hits, self.images, level)


def class_shares(
    net: nn.Module,
    draw: str | Draw = "uniform",
    *,
    images: int = 10_000,
    levels: Sequence[float] = (0.0, 0.9, 0.99, 0.9999),
    shape: tuple[int, int, int] | None = None,
    seed: int = 0,
    chunk: int = 500,
    progress: bool = True,
) -> ClassShares:
    """Throw random images at a network and count which class takes them, and how surely.

    They are drawn where the network is, chunk by chunk: memory does not grow with their number.
    On a CPU the draws follow the seed and the chunk; a GPU has its own random numbers.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        draw: ``"uniform"`` (every pixel uniform in [0, 1]), ``"coins"`` (every pixel 0 or 1, the
            corners of the box), ``"smooth"`` (power falls with the frequency squared, as in
            photographs; each image stretched to [0, 1]), or a function from a number and a
            generator to so many images ``[N, C, H, W]`` in [0, 1] on the generator's device.
        images: how many.
        levels: confidences to count from.
        shape: ``(C, H, W)``, needed where the network does not tell it.
        seed: of the images.
        chunk: images of one pass.
        progress: show a bar if it takes longer than a second.

    Raises:
        TypeError, ValueError: an argument that does not fit, or images that are none.
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"net: expected a torch.nn.Module, got {type(net).__name__}")
    size = getattr(net, "input_shape", shape if shape is None else image_shape(shape))
    if callable(draw):
        make = draw
    else:
        check_choice(draw, tuple(DRAWS), "draw")
        if size is None:
            raise ValueError("shape: expected (channels, height, width), as the network has none")
        make = partial(DRAWS[draw], size)
    check_count(images, "images")
    chunk = check_count(chunk, "chunk")
    check_count(seed, "seed", minimum=0)
    levels = check_numbers(levels, "levels", least=0, most=1)
    device = device_of(net)
    generator = generator_of(seed, device)
    least = torch.tensor(levels, dtype=torch.float32, device=device)
    hits = torch.zeros((len(least), 1), dtype=torch.int64, device=device)  # of all K classes alike
    with (
        torch.inference_mode(),
        evaluating(net),
        progress_bar(images, "images", progress=progress) as bar,
    ):
        for start in range(0, images, chunk):
            count = min(chunk, images - start)
            drawn = make(count, generator)
            if callable(draw):
                check_images(drawn, size, "draw")
            logits = finite_answer(net, drawn)
            confidence, said = logits.softmax(1).max(1)
            sure = confidence >= least[:, None]
            hits = hits + torch.stack(
                [said[row].bincount(minlength=logits.shape[1]) for row in sure]
            )
            bar.update(count)
    return ClassShares(least.double().cpu(), hits.cpu(), images)


def _uniform(shape: Sequence[int], count: int, generator: torch.Generator) -> Tensor:
    return torch.rand((count, *shape), generator=generator, device=generator.device)


def _coins(shape: Sequence[int], count: int, generator: torch.Generator) -> Tensor:
    return (_uniform(shape, count, generator) < 0.5).float()


def _smooth(shape: Sequence[int], count: int, generator: torch.Generator) -> Tensor:
    height, width = shape[1:]
    device = generator.device
    noise = torch.randn((count, *shape), generator=generator, device=device)
    down = torch.fft.fftfreq(height, device=device)[:, None]
    along = torch.fft.rfftfreq(width, device=device)
    frequency = torch.hypot(down.expand(-1, len(along)), along.expand(height, -1))
    # the power is the square of the amplitude; the mean is set by the stretching below
    amplitude = 1 / frequency.clamp_min(1 / max(height, width))
    images = torch.fft.irfft2(torch.fft.rfft2(noise) * amplitude, s=(height, width)).flatten(1)
    low, high = images.amin(1, keepdim=True), images.amax(1, keepdim=True)
    stretched = (images - low) / (high - low).clamp_min(torch.finfo(images.dtype).tiny)
    return stretched.view(count, *shape)


DRAWS = {"uniform": _uniform, "coins": _coins, "smooth": _smooth}


def random_directions(count: int, shape: Sequence[int], seed: int = 0) -> Tensor:
    """Directions drawn evenly from the sphere: float32 ``[count, *shape]`` of length 1."""
    check_count(count, "count")
    check_count(seed, "seed", minimum=0)
    shape = sizes_of(shape)
    if not shape:
        raise ValueError("shape: expected at least one size, got none")
    check_count(count, "count", most=max(1, MOST_VALUES // math.prod(shape)))
    drawn = torch.randn((count, *shape), generator=generator_of(seed))
    return drawn / torch.linalg.vector_norm(drawn.flatten(1), dim=1).view(-1, *[1] * len(shape))


def answers_along_rays(
    net: nn.Module,
    start: Tensor,
    directions: Tensor,
    lengths: Sequence[float],
    *,
    chunk: int = 500,
) -> tuple[Tensor, Tensor]:
    """What a network says on the way out: of ``start + length * direction / |direction|``.

    Nothing is clipped: a ray leaves the box [0, 1], and the network answers there too.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        start: float32 ``[N, C, H, W]`` in [0, 1], on the network's device.
        directions: float32 ``[N, C, H, W]``, one for each start; only their direction counts.
        lengths: L distances, each >= 0, in units of the pixel range.
        chunk: images of one pass.

    Returns:
        confidence, float32 ``[N, L]``, and class, int64 ``[N, L]``, of the largest logit.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    way, reach = _ways(net, start, directions, lengths)
    chunk = check_count(chunk, "chunk")
    confidence = torch.empty((len(start), len(reach)), device=start.device)
    said = torch.empty_like(confidence, dtype=torch.int64)
    with torch.inference_mode(), evaluating(net):
        for column, length in enumerate(reach):
            for rows in torch.arange(len(start), device=start.device).split(chunk):
                out = finite_answer(net, start[rows] + length * way[rows]).softmax(1).max(1)
                confidence[rows, column], said[rows, column] = out.values, out.indices
    return confidence, said


def bend_from_tangent(
    net: nn.Module,
    start: Tensor,
    directions: Tensor,
    lengths: Sequence[float],
    *,
    chunk: int = 250,
) -> Tensor:
    """How far the network bends away from its tangent: 0 where it is linear.

    The change of the logits from ``x`` to ``x + t u`` is compared with the straight line ``t J u``
    (J the Jacobian at x): ``|f(x + t u) - f(x) - t J u| / |f(x + t u) - f(x)|``. A constant added
    to all logits changes no confidence, so the mean of the logits is taken off first.

    Args:
        net: any differentiable module from images in [0, 1] to logits ``[N, K]``.
        start, directions, lengths: as for ``answers_along_rays``; each length > 0.
        chunk: images of one pass.

    Returns:
        float32 ``[N, L]``; NaN where the logits do not change at all.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    way, reach = _ways(net, start, directions, lengths)
    chunk = check_count(chunk, "chunk")
    if not all(length > 0 for length in reach):
        raise ValueError(f"lengths: expected numbers > 0, got {list(reach)}")
    found = torch.empty((len(start), len(reach)), device=start.device)

    def centred(images: Tensor) -> Tensor:
        logits = finite_answer(net, images)
        return logits - logits.mean(1, keepdim=True)

    with torch.no_grad(), evaluating(net):
        for rows in torch.arange(len(start), device=start.device).split(chunk):
            here, slope = torch.autograd.functional.jvp(centred, start[rows], way[rows])
            for column, length in enumerate(reach):
                change = centred(start[rows] + length * way[rows]) - here
                size = torch.linalg.vector_norm(change, dim=1)
                off = torch.linalg.vector_norm(change - length * slope, dim=1)
                found[rows, column] = torch.where(size > CENTRED, off / size, torch.nan)
    return found


def nearest_images(
    images: Tensor, reference: Tensor, *, k: int = 1, chunk: int = 500
) -> tuple[Tensor, Tensor]:
    """The k nearest of ``reference`` to each image, by Euclidean distance between pixels.

    They are found by products of matrices, which are quick and lose digits where images nearly
    coincide; the distances to those found are then computed from differences.

    Args:
        images: float32 ``[N, C, H, W]`` in [0, 1].
        reference: float32 ``[M, C, H, W]`` in [0, 1], on the same device.
        k: neighbours, 1 to M.
        chunk: images compared at a time: the distances of so many to all M are held at once.

    Returns:
        distance, float32 ``[N, k]``, ascending, in units of the pixel range, and index into
        ``reference``, int64 ``[N, k]``.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    check_images(images)
    check_images(reference, images.shape[1:], "reference")
    check_count(k, "k")
    chunk = check_count(chunk, "chunk")
    if k > len(reference):
        raise ValueError(f"k: expected at most {len(reference)} (images of reference), got {k}")
    known = reference.flatten(1)
    distances, indices = [], []
    for part in images.flatten(1).split(chunk):
        index = torch.cdist(part, known).topk(k, largest=False).indices
        exact = torch.linalg.vector_norm(part[:, None] - known[index], dim=2)
        order = exact.argsort(1)
        distances.append(exact.gather(1, order))
        indices.append(index.gather(1, order))
    return torch.cat(distances), torch.cat(indices)


def _ways(
    net: nn.Module, start: Tensor, directions: Tensor, lengths: Sequence[float]
) -> tuple[Tensor, list[float]]:
    """Directions of length 1, and the checked lengths."""
    if not isinstance(net, nn.Module):
        raise TypeError(f"net: expected a torch.nn.Module, got {type(net).__name__}")
    check_images(start, getattr(net, "input_shape", None), "start")
    if not isinstance(directions, Tensor) or directions.shape != start.shape:
        came = list(directions.shape) if isinstance(directions, Tensor) else directions
        raise ValueError(f"directions: expected {list(start.shape)}, as start has, got {came}")
    check_tensor(directions, "directions", floating=True)
    size = torch.linalg.vector_norm(directions.flatten(1), dim=1)
    if not bool((size.isfinite() & (size > 0)).all()):
        raise ValueError("directions: expected finite directions, none of length 0")
    reach = list(check_numbers(lengths, "lengths", least=0))
    return directions / size.view(-1, *[1] * (start.ndim - 1)), reach
