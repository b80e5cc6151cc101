"""The smallest perturbations by a change of variable (Carlini and Wagner 2017)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_flag, check_number
from foolkit.gradients.problem import (
    CHUNK,
    LARGEST,
    Flat,
    Objective,
    Problem,
    attacking,
    column,
    gradient,
)
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.progress import progress_bar

INSIDE = 0.999999  # how far towards 0 and 1 a pixel starts, since tanh never reaches them
CHECKS = 10  # of progress, in each minimisation
BETA1, BETA2, TINY = 0.9, 0.999, 1e-8  # Adam (Kingma and Ba 2015)


def carlini_wagner(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    kappa: float = 0.0,
    initial_c: float | None = None,
    search_steps: int = 6,
    steps: int = 100,
    learning_rate: float = 0.1,
    abort_early: bool = True,
    targeted: bool = False,
    mask: Tensor | None = None,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Perturbed:
    """The L2 attack of Carlini and Wagner (2017, sections V.A to VI.A).

    Minimise ``|x' - x|^2 + c f(x')`` over w, by Adam, with ``x' = (tanh(w) + 1) / 2``, which
    keeps to the box, and ``f(x') = max(Z_label - max_{k != label} Z_k, -kappa)`` (targeted: its
    opposite, with the goal as label). For the smallest c that succeeds: c is multiplied by 10
    until it does, then its bracket is halved. Of all images that fool, the nearest is kept.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        images: float32 ``[N, C, H, W]`` in [0, 1], on the network's device.
        labels: int64 ``[N]``, the true classes, or the goals if ``targeted``.
        kappa: margin between the logits that an image has to have, >= 0.
        initial_c: the first c; default what a linear network would need, ``2 f / |grad f|^2``
            at ``x``, for each image (the authors' program: 0.001 for all).
        search_steps: values of c (the authors' program: 9).
        steps: of Adam, for each c.
        learning_rate: of Adam, in w (the authors' program: 1000 steps at 0.01).
        abort_early: end a minimisation whose loss has not fallen by 0.01 % within a tenth of the
            steps; each image by itself, which then leaves the batch.
        targeted: make the labels the goal.
        mask: bool, broadcast to the images: True where a pixel may change.
        chunk: images of one pass.
        progress: show a bar if it takes longer than a second.

    Returns:
        The result; an image that no c could fool is returned as it was.

    Raises:
        TypeError, ValueError: an argument that does not fit.

    Warns:
        UserWarning: images whose gradient is exactly zero.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    check_flag(abort_early, "abort_early")
    check_number(kappa, "kappa", least=0)
    check_number(learning_rate, "learning_rate", above=0, most=LARGEST)
    if initial_c is not None:
        check_number(initial_c, "initial_c", above=0, most=LARGEST)
    for name, value in (("search_steps", search_steps), ("steps", steps)):
        check_count(value, name)
    chunk = check_count(chunk, "chunk")
    total, flat = -(-len(problem) // chunk) * search_steps, Flat()
    with attacking(problem.net), progress_bar(total, "searches", progress=progress) as bar:
        best, queries = torch.empty_like(problem.images), torch.empty_like(problem.labels)
        for rows in torch.arange(len(problem), device=images.device).split(chunk):
            part = problem[rows]
            found = _begin(part, kappa, flat)
            c = found.c if initial_c is None else torch.full_like(found.c, float(initial_c))
            low, high = torch.zeros_like(c), torch.full_like(c, math.inf)
            for _ in range(search_steps):
                new = _minimise(part, c, kappa, steps, learning_rate, abort_early)
                works = new.norm.isfinite()
                high, low = torch.where(works, c, high), torch.where(works, low, c)
                c = torch.where(high.isinf(), 10 * c, (low + high) / 2)
                found.keep_nearest(new)
                bar.update()
            best[rows], queries[rows] = found.images, found.queries
    flat.warn(len(problem))
    return perturbed(problem, best, queries, chunk)


@dataclass
class _Found:
    """The nearest images that fool; squared distance infinite where there is none."""

    images: Tensor
    norm: Tensor
    queries: Tensor
    c: Tensor

    def keep_nearest(self, new: _Found) -> None:
        nearer = new.norm < self.norm
        self.images = torch.where(column(nearer), new.images, self.images)
        self.norm = torch.minimum(new.norm, self.norm)
        self.queries = self.queries + new.queries


def _begin(part: Problem, kappa: float, flat: Flat) -> _Found:
    """The images as they are, and the c that a linear network would need."""
    logits, f, slope = gradient(part.net, part.images, _f(part, kappa))
    c = (2 * f / slope.flatten(1).square().sum(1).clamp_min(1e-12)).clamp(1e-6, 1e6)
    fools = part.fooled(logits) & (f <= 0)
    flat.look(slope, fools)
    norm = torch.where(fools, 0.0, torch.inf)
    return _Found(part.images, norm, torch.ones_like(part.labels), c)


def _f(part: Problem, kappa: float) -> Objective:
    """``max(-margin, -kappa)``, shifted by kappa to end at zero."""
    return lambda logits: (kappa - part.margin(logits)).clamp_min(0)


class _Adam:
    """Adam (Kingma and Ba 2015, algorithm 1) for a batch whose members may leave."""

    def __init__(self, w: Tensor, rate: float) -> None:
        self.rate, self.steps = rate, 0
        self.mean, self.square = torch.zeros_like(w), torch.zeros_like(w)

    def update(self, w: Tensor, slope: Tensor) -> None:
        """One step of ``w``, in place, against its ``slope``."""
        self.steps += 1
        self.mean.lerp_(slope, 1 - BETA1)
        self.square.mul_(BETA2).addcmul_(slope, slope, value=1 - BETA2)
        mean = self.mean / (1 - BETA1**self.steps)
        square = self.square / (1 - BETA2**self.steps)
        w.addcdiv_(mean, square.sqrt_().add_(TINY), value=-self.rate)

    def keep(self, rows: Tensor) -> None:
        """Only these rows."""
        self.mean, self.square = self.mean[rows], self.square[rows]


def _minimise(
    part: Problem, c: Tensor, kappa: float, steps: int, learning_rate: float, abort_early: bool
) -> _Found:
    """Adam in w with one c an image."""
    found = _Found(
        part.images.clone(), torch.full_like(c, math.inf), torch.zeros_like(part.labels), c
    )
    row = torch.arange(len(part), device=c.device)  # of the images that are not done
    w = ((2 * part.images - 1) * INSIDE).atanh_()
    adam = _Adam(w, learning_rate)
    best, best_norm, last = part.images, found.norm, found.norm

    def leave(rows: Tensor, count: int) -> None:
        found.images[row[rows]], found.norm[row[rows]] = best[rows], best_norm[rows]
        found.queries[row[rows]] = count

    for step in range(1, steps + 1):
        x = (w.tanh() + 1) / 2
        if part.mask is not None:
            x = torch.where(part.mask, x, part.images)
        logits, f, slope = gradient(part.net, x, _f(part, kappa))
        change = x - part.images
        norm = change.flatten(1).square().sum(1)
        nearer = part.fooled(logits) & (f <= 0) & (norm < best_norm)
        best = torch.where(column(nearer), x, best)
        best_norm = torch.where(nearer, norm, best_norm)

        slope = (2 * change + column(c) * slope) * (2 * x * (1 - x))  # dx/dw = 2 x (1 - x)
        if part.mask is not None:
            slope *= part.mask
        adam.update(w, slope)

        if abort_early and step % max(1, steps // CHECKS) == 0 and step < steps:
            loss = norm + c * f
            going = loss <= 0.9999 * last
            last = loss
            if not going.all():
                leave(~going, step)
                part, row, c, w = part[going], row[going], c[going], w[going]
                best, best_norm, last = best[going], best_norm[going], last[going]
                adam.keep(going)
                if not len(row):
                    break
    leave(torch.ones_like(row, dtype=torch.bool), steps)
    return found
