"""The smallest change, by a ball that shrinks around the image (Pintor et al. 2021)."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_number
from foolkit.gradients.problem import (
    CHUNK,
    Flat,
    Problem,
    attacking,
    column,
    gradient,
    norm_named,
)
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.gradients.sign import project
from foolkit.progress import progress_bar

Norm = Literal["2", "inf"]
NORMS: tuple[Norm, ...] = ("2", "inf")
SHRINK, LEAST_SHRINK = 0.05, 0.001  # of the radius in one step, first and last
LAST_STEP = 0.01  # length of the last step, as a share of the first


def fmn(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    norm: Norm | float = "2",
    steps: int = 100,
    step_size: float = 1.0,
    targeted: bool = False,
    mask: Tensor | None = None,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Perturbed:
    """Fast minimum-norm attack (Pintor, Roli, Brendel and Biggio 2021, algorithm 1).

    Each step follows the margin's gradient, of unit L2 norm, and is projected onto a ball around
    the image. Until the image has fooled once, the ball reaches to where a linear network's
    boundary would be; from then on its radius shrinks where the image fools and grows where it
    does not, by a share that falls, as the step does, along a cosine. The smallest change that
    fooled is the result.

    Deviation: the ball reaches beyond that boundary, by the share by which it grows later on, so
    that it is crossed where the box cuts steps short. The step's and the shares' first and
    last values are those of the authors' program in Foolbox.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        images: float32 ``[N, C, H, W]`` in [0, 1], on the network's device.
        labels: int64 ``[N]``, the true classes, or the goals if ``targeted``.
        norm: what is to be small, ``"2"`` or ``"inf"``.
        steps: all of which are taken, each a forward and a backward pass.
        step_size: L2 length of the first step in units of the pixel range, above 0; the last is a
            hundredth of it.
        targeted: make the labels the goal.
        mask: bool, broadcast to the images: True where a pixel may change.
        chunk: images of one pass.
        progress: show a bar if it takes longer than a second.

    Returns:
        The result; an image that never fooled is returned as it was.

    Raises:
        TypeError, ValueError: an argument that does not fit.

    Warns:
        UserWarning: images whose gradient is exactly zero.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    norm = norm_named(norm, NORMS)
    check_number(step_size, "step_size", above=0)
    check_count(steps, "steps")
    chunk = check_count(chunk, "chunk")
    flat, total = Flat(), -(-len(images) // chunk) * steps
    changes = []
    with attacking(problem.net), progress_bar(total, "steps", progress=progress) as bar:
        for part in problem.split(chunk):
            low, high = part.bounds()
            size = part.images.new_zeros(len(part))
            radius, least = torch.full_like(size, torch.inf), torch.full_like(size, torch.inf)
            change = torch.zeros_like(part.images)
            best = change
            for k in range(steps):
                cosine = (1 + math.cos(math.pi * k / steps)) / 2
                length = step_size * (LAST_STEP + (1 - LAST_STEP) * cosine)
                shrink = LEAST_SHRINK + (SHRINK - LEAST_SHRINK) * cosine
                logits, margin, slope = gradient(part.net, part.images + change, part.margin)
                fooled = part.fooled(logits)
                if k == 0:
                    flat.look(slope, fooled)
                if part.mask is not None:
                    slope *= part.mask
                size = torch.linalg.vector_norm(change.flatten(1), float(norm), dim=1)
                smaller = fooled & (size < least)
                best = torch.where(column(smaller), change, best)
                least = torch.where(smaller, size, least)

                dual = torch.linalg.vector_norm(slope.flatten(1), 1 if norm == "inf" else 2, dim=1)
                linear = (1 + shrink) * (size + margin.abs() / dual.clamp_min(1e-12))
                radius = torch.where(
                    fooled,
                    torch.minimum(radius * (1 - shrink), least),
                    torch.where(least.isinf(), linear, radius * (1 + shrink)),
                )
                steepness = torch.linalg.vector_norm(slope.flatten(1), dim=1).clamp_min(1e-12)
                ahead = change + length * slope / column(steepness)
                change = project(ahead, norm, radius).clamp(low, high)
                bar.update()
            changes.append(best)
    flat.warn(len(images))
    return perturbed(problem, problem.images + torch.cat(changes), steps, chunk)
