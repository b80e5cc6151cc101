"""Where the boundary between classes runs: distances along rays, planes through image space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foolkit.checks import (
    MOST_DRAWS,
    check_count,
    check_dense,
    check_images,
    check_number,
    check_numbers,
    check_tensor,
)
from foolkit.models.door import evaluating, finite_answer

MOST_POINTS = 10**4  # along each side of a piece


def distance_along(
    net: nn.Module,
    images: Tensor,
    directions: Tensor,
    *,
    reach: float,
    samples: int = 32,
    halvings: int = 8,
    chunk: int = 500,
) -> Tensor:
    """How far each image can be moved along each direction before its class changes.

    The class is asked at ``samples`` evenly spaced points of the straight line from the image to
    ``reach``; the first interval in which it changes is then halved ``halvings`` times. A class
    that is entered and left between two samples is missed. The line is not clipped: it may leave
    the box [0, 1], and the network is asked there too.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        images: float32 ``[N, C, H, W]`` in [0, 1], on the network's device.
        directions: float32 ``[N, M, C, H, W]``, M for each image (``expand`` shares them); only
            the direction counts, not the length.
        reach: the greatest distance looked at, Euclidean, in units of the pixel range.
        samples: points of the first pass.
        halvings: the distance is known to ``reach / samples / 2**halvings``.
        chunk: images of one pass of the network.

    Returns:
        float32 ``[N, M]``: the nearest distance at which the class was seen to differ from that
        of the image; infinite where it was not, up to ``reach``.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    _check(net, images, "images")
    wanted = (len(images), *images.shape[1:])
    if not isinstance(directions, Tensor):
        raise TypeError(
            f"directions: expected a torch.Tensor [N, M, C, H, W], got {type(directions).__name__}"
        )
    if directions.ndim != 5 or (len(directions), *directions.shape[2:]) != wanted:
        shape = ", ".join(map(str, images.shape[1:]))
        raise ValueError(
            f"directions: expected shape [{len(images)}, M, {shape}], got {list(directions.shape)}"
        )
    check_dense(directions, "directions")
    check_number(reach, "reach", above=0)
    check_count(samples, "samples", most=MOST_DRAWS)
    check_count(halvings, "halvings", minimum=0)
    chunk = check_count(chunk, "chunk")
    _check_lengths(directions.flatten(2), "directions")

    n, m = directions.shape[:2]
    ray = torch.arange(n * m, device=images.device)
    distance = torch.empty(n * m, device=images.device)
    with torch.inference_mode(), evaluating(net):
        for rays in ray.split(chunk):
            start, way = images[rays // m], directions[rays // m, rays % m]
            way = way / torch.linalg.vector_norm(way.flatten(1), dim=1).view(-1, 1, 1, 1)
            own = finite_answer(net, start).argmax(1)
            same = torch.zeros(len(rays), device=images.device)  # still the own class here
            other = torch.full_like(same, torch.inf)  # no longer
            for step in range(1, samples + 1):
                at = reach * step / samples
                left = (finite_answer(net, start + at * way).argmax(1) != own) & other.isinf()
                other = torch.where(left, at, other)
                same = torch.where(other.isinf(), at, same)
            for _ in range(halvings):
                middle = torch.where(other.isinf(), same, (same + other) / 2)
                left = finite_answer(net, start + middle.view(-1, 1, 1, 1) * way).argmax(1) != own
                other = torch.where(left & other.isfinite(), middle, other)
                same = torch.where(left, same, middle)
            distance[rays] = other
    return distance.view(n, m)


@dataclass(frozen=True)
class Plane:
    """What a network says on a flat piece of image space, P points wide and Q points high.

    Attributes:
        across: float32 ``[P]``, Euclidean distance from the centre along the first direction.
        along: float32 ``[Q]``, the same along the part of the second direction that is
            perpendicular to the first.
        predicted: int64 ``[Q, P]``, the class at each point.
        confidence: float32 ``[Q, P]``, its softmax probability.
        inside: bool ``[Q, P]``, whether the point is an image, all of its pixels in [0, 1].
    """

    across: Tensor
    along: Tensor
    predicted: Tensor
    confidence: Tensor
    inside: Tensor


def answers_on_plane(
    net: nn.Module,
    centre: Tensor,
    first: Tensor,
    second: Tensor,
    *,
    across: Sequence[float] = (-3.0, 3.0),
    along: Sequence[float] = (-3.0, 3.0),
    points: int = 61,
    chunk: int = 500,
) -> Plane:
    """A two-dimensional slice through image space: the class and confidence at each point.

    The point ``(a, b)`` is the image ``centre + a u + b v``, where u is ``first`` scaled to
    length 1, and v the part of ``second`` perpendicular to u, scaled likewise. Nothing is clipped:
    ``inside`` tells which points are images.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        centre: one image, float32 ``[1, C, H, W]`` in [0, 1], on the network's device.
        first, second: directions ``[1, C, H, W]``, not parallel.
        across, along: least and greatest distance from the centre, in units of the pixel range.
        points: along each side.
        chunk: images of one pass of the network.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    _check(net, centre, "centre")
    if len(centre) != 1:
        raise ValueError(f"centre: expected one image [1, C, H, W], got {list(centre.shape)}")
    for name, direction in (("first", first), ("second", second)):
        if not isinstance(direction, Tensor) or direction.shape != centre.shape:
            came = list(direction.shape) if isinstance(direction, Tensor) else direction
            raise ValueError(f"{name}: expected a direction {list(centre.shape)}, got {came}")
        check_dense(direction, name)
        _check_lengths(direction.flatten(1), name)
    for name, limits in (("across", across), ("along", along)):
        limits = check_numbers(limits, name)
        if len(limits) != 2 or not limits[0] < limits[1]:
            raise ValueError(f"{name}: expected two increasing numbers, got {limits!r}")
    check_count(points, "points", minimum=2, most=MOST_POINTS)
    chunk = check_count(chunk, "chunk")

    u = first.flatten() / torch.linalg.vector_norm(first)
    v = second.flatten() / torch.linalg.vector_norm(second)
    v = v - (v @ u) * u
    if float(torch.linalg.vector_norm(v)) < 1e-4:
        raise ValueError("second: expected a direction that is not parallel to first")
    v = v / torch.linalg.vector_norm(v)
    a, b = (
        torch.linspace(low, high, points, device=centre.device) for low, high in (across, along)
    )
    grid = torch.cartesian_prod(b, a)
    confidence, predicted, inside = [], [], []
    with torch.inference_mode(), evaluating(net):
        for part in grid.split(chunk):
            images = centre + (part[:, 1:] * u + part[:, :1] * v).view(-1, *centre.shape[1:])
            best = finite_answer(net, images).softmax(1).max(1)
            confidence.append(best.values)
            predicted.append(best.indices)
            inside.append(((images >= 0) & (images <= 1)).flatten(1).all(1))
    square = (points, points)
    return Plane(
        across=a,
        along=b,
        predicted=torch.cat(predicted).view(square),
        confidence=torch.cat(confidence).view(square),
        inside=torch.cat(inside).view(square),
    )


def _check(net: nn.Module, images: Tensor, argument: str) -> None:
    if not isinstance(net, nn.Module):
        raise TypeError(f"net: expected a torch.nn.Module, got {type(net).__name__}")
    check_images(images, getattr(net, "input_shape", None), argument)


def _check_lengths(flat: Tensor, argument: str) -> None:
    check_tensor(flat, argument, floating=True)
    if flat.dtype != torch.float32:
        raise TypeError(f"{argument}: expected float32 numbers, got {flat.dtype}")
    length = torch.linalg.vector_norm(flat, dim=-1)
    if not bool((length.isfinite() & (length > 0)).all()):
        raise ValueError(f"{argument}: expected finite directions, none of length 0")
