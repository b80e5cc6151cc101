"""Projected gradient descent that sets its own step (Croce and Hein 2020)."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from foolkit.checks import check_count, check_number
from foolkit.gradients.problem import (
    CHUNK,
    HIDDEN,
    Flat,
    Problem,
    Transform,
    Views,
    attacking,
    check_within,
    column,
    norm_named,
)
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.gradients.sign import (
    REMEDY,
    STEEPEST,
    Loss,
    check_loss,
    project,
    random_in_ball,
    rising,
)
from foolkit.progress import progress_bar
from foolkit.seeds import Seed, generator_of

Norm = Literal["inf", "2"]
NORMS: tuple[Norm, ...] = ("inf", "2")
MOMENTUM = 0.75  # the share of the new step; the rest goes on as before
RISING = 0.75  # of the steps between two checkpoints must have raised the loss


def apgd(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    norm: Norm | float = "inf",
    loss: Loss = "cross-entropy",
    steps: int = 100,
    restarts: int = 1,
    targeted: bool = False,
    mask: Tensor | None = None,
    transform: Transform | None = None,
    samples: int = 1,
    seed: Seed = 0,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Perturbed:
    """Auto-PGD (Croce and Hein 2020, algorithm 1): nothing is to be tuned but the number of steps.

    From a random point of the ball, steps in the steepest direction with momentum; the first are
    ``2 epsilon`` long. At checkpoints that come ever faster the step is halved where the loss
    rose too seldom or its maximum stands still, and the search goes back to that maximum.

    Deviation: an image that fools is done and leaves the batch (except behind a transformation).

    Args:
        net, images, labels, loss, targeted, mask, chunk: as for ``fgsm``.
        epsilon: radius of the ball in ``norm``, in units of the pixel range.
        norm: ``"inf"`` or ``"2"``.
        steps: at most, each a forward and a backward pass; one more is for the start.
        restarts: runs from other starts; images fooled by one are not run again, of the others
            the run with the largest margin is kept.
        transform, samples: as for ``pgd``.
        seed: of the random starts and the transformations; an integer or a generator on the
            images' device.
        progress: show a bar if it takes longer than a second.

    Returns:
        The result: of an image that does not fool, the point of the highest loss.

    Raises:
        TypeError, ValueError: an argument that does not fit.

    Warns:
        UserWarning: images whose gradient is exactly zero at the start.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    check_number(epsilon, "epsilon", least=0)
    check_loss(loss, problem)
    norm = norm_named(norm, NORMS)
    if norm == "inf":
        check_within([epsilon])
    steps, restarts = check_count(steps, "steps"), check_count(restarts, "restarts")
    chunk = check_count(chunk, "chunk")
    generator = generator_of(seed, images.device)
    views = Views.checked(transform, samples, generator)

    flat, total = Flat(), restarts * -(-len(images) // chunk) * steps
    with attacking(problem.net), progress_bar(total, "steps", progress=progress) as bar:
        best, lead = problem.images.clone(), images.new_full((len(images),), -torch.inf)
        queries = torch.zeros_like(problem.labels)
        for number in range(restarts):
            # for all images: where one starts depends neither on the chunk nor on the others
            starts = random_in_ball(problem.images, norm, epsilon, generator)
            for rows in (lead <= 0).nonzero()[:, 0].split(chunk):
                if not len(rows):
                    break
                part, seen = problem[rows], None if number else flat
                moved, spent = _climb(
                    part, starts[rows], epsilon, norm, loss, steps, views, bar, seen
                )
                logits = views.logits(problem.net, moved)
                queries[rows] += spent + views.passes
                margin = part.margin(logits)
                margin = torch.where(part.fooled(logits), margin, margin.clamp(max=0))
                better = margin > lead[rows]
                best[rows] = torch.where(column(better), moved, best[rows])
                lead[rows] = torch.maximum(margin, lead[rows])
        bar.update(total - bar.n)
    flat.warn(len(images), REMEDY if loss == "cross-entropy" else HIDDEN)
    return perturbed(problem, best, queries, chunk, (norm, float(epsilon)))


def checkpoints(steps: int) -> list[int]:
    """After which steps the length is looked at: ``w_j`` of section 3.1, the first after 22 %."""
    before, share, found = 0.0, 0.22, []
    while share <= 1:
        found.append(math.ceil(round(share * steps, 9)))
        before, share = share, share + max(share - before - 0.03, 0.06)
    return sorted(set(found))


@dataclass
class _Run:
    """The images of a batch that are not done: ``x_k`` is the image plus ``change``."""

    part: Problem
    rows: Tensor  # their places among all
    change: Tensor
    previous: Tensor
    value: Tensor  # the loss f, [N]
    slope: Tensor
    best: Tensor  # the change of the highest loss, x_max
    best_value: Tensor
    best_slope: Tensor
    length: Tensor  # of a step, [N]
    rises: Tensor  # steps since the last checkpoint that raised the loss
    checked: Tensor  # the highest loss at the last checkpoint
    halved: Tensor  # whether the step was halved there

    def keep(self, index: Tensor) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[index])


def _climb(
    part: Problem,
    start: Tensor,
    epsilon: float,
    norm: Norm,
    loss: Loss,
    steps: int,
    views: Views,
    bar: tqdm[Any],
    flat: Flat | None,
) -> tuple[Tensor, Tensor]:
    """Algorithm 1 from the change ``start``: the images, and the passes that each took."""

    def inside(run: _Run, change: Tensor) -> Tensor:
        # the box shrinks every component, so that the change stays within the ball
        return project(change, norm, epsilon).clamp(*run.part.bounds())

    def look(part: Problem, change: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits, value, slope = views.gradient(part.net, part.images + change, rising(part, loss))
        return part.fooled(logits), value, slope

    found = part.images.clone()
    spent = torch.full_like(part.labels, views.passes)
    change = project(start, norm, epsilon).clamp(*part.bounds())
    fooled, value, slope = look(part, change)
    if flat is not None:
        flat.look(slope, fooled)
    run = _Run(
        part, torch.arange(len(part), device=change.device), change, change, value, slope,
        change, value, slope, torch.full_like(value, 2 * epsilon),
        torch.zeros_like(value), value, torch.zeros_like(fooled),
    )  # fmt: skip
    last, looks, stops = 0, checkpoints(steps), views.transform is None
    done = fooled & stops
    for k in range(steps):
        if done.any():
            found[run.rows[done]] = (run.part.images + run.change)[done]
            run.keep(~done)
            if not len(run.rows):
                break
        low, high = run.part.bounds()
        slope = run.slope.clone() if run.part.mask is None else run.slope * run.part.mask
        ahead = STEEPEST[norm](slope, run.change, low, high) * column(run.length)
        moved = inside(run, run.change + ahead)
        if k:
            step = MOMENTUM * (moved - run.change) + (1 - MOMENTUM) * (run.change - run.previous)
            moved = inside(run, run.change + step)
        fooled, value, slope = look(run.part, moved)
        done = fooled & stops
        spent[run.rows] += views.passes
        bar.update()
        run.rises += value > run.value
        run.previous, run.change, run.value, run.slope = run.change, moved, value, slope
        higher = value > run.best_value
        run.best = torch.where(column(higher), moved, run.best)
        run.best_slope = torch.where(column(higher), slope, run.best_slope)
        run.best_value = torch.where(higher, value, run.best_value)
        if k + 1 in looks:
            # conditions 1 and 2 of section 3.2
            seldom = run.rises < RISING * (k + 1 - last)
            still = ~run.halved & (run.best_value == run.checked)
            run.halved = (seldom | still) & ~done
            run.length = torch.where(run.halved, run.length / 2, run.length)
            run.change = torch.where(column(run.halved), run.best, run.change)
            run.slope = torch.where(column(run.halved), run.best_slope, run.slope)
            run.value = torch.where(run.halved, run.best_value, run.value)
            run.checked, run.rises, last = run.best_value, torch.zeros_like(run.rises), k + 1
    else:
        found[run.rows] = run.part.images + torch.where(column(done), run.change, run.best)
    return found, spent
