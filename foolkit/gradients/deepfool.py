"""The nearest boundary, as if the network were linear (Moosavi-Dezfooli et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass
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
    norm_named,
    slope_of,
)
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.progress import progress_bar

Norm = Literal["2", "inf"]
NORMS: tuple[Norm, ...] = ("2", "inf")
AGAIN = 8  # with an eighth of a batch done, a new forward pass for the others pays
NEAR = 1e-4  # added to each distance, for where two logits are equal


def deepfool(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    norm: Norm | float = "2",
    steps: int = 50,
    overshoot: float = 0.02,
    candidates: int = 10,
    finalists: int | None = None,
    targeted: bool = False,
    mask: Tensor | None = None,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Perturbed:
    """DeepFool (Moosavi-Dezfooli, Fawzi and Frossard 2016, algorithm 2).

    Each step moves to the nearest of the linearised boundaries to the other classes: with
    ``f_k = Z_k - Z_label`` and ``w_k`` its gradient, to the class with the least
    ``|f_k| / |w_k|_q``, by ``|f_k| / |w_k|_2^2 w_k`` in L2 (q = 2), or
    ``|f_k| / |w_k|_1 sign(w_k)`` in Linf (q = 1). The sum of the steps is exaggerated by
    ``overshoot``. An image that has changed class is done and leaves the batch. One forward
    pass serves the gradients of all classes.

    Deviations: the paper knows no box, here images are clipped to [0, 1] after each step.
    Targeted, the boundary between the goal and the best other class is approached.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        images: float32 ``[N, C, H, W]`` in [0, 1], on the network's device.
        labels: int64 ``[N]``, the true classes, or the goals if ``targeted``.
        norm: what is to be small, ``"2"`` or ``"inf"``.
        steps: at most.
        overshoot: share by which the sum of the steps is exaggerated, >= 0.
        candidates: classes considered, >= 2: the label and those most likely at ``x``.
        finalists: rivals that are still considered after the first step, those that were nearest
            then; default all, as in the paper. Fewer are faster: on LeNet, 3 find the same images.
        targeted: make the labels the goal.
        mask: bool, broadcast to the images: True where a pixel may change.
        chunk: images of one pass.
        progress: show a bar if it takes longer than a second.

    Returns:
        The result; an image that has not changed class after all steps is returned as it was.

    Raises:
        TypeError, ValueError: an argument that does not fit.

    Warns:
        UserWarning: images at which all gradients are exactly zero.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    norm = norm_named(norm, NORMS)
    check_number(overshoot, "overshoot", least=0)
    check_count(steps, "steps")
    chunk = check_count(chunk, "chunk")
    check_count(candidates, "candidates", minimum=2)
    if finalists is not None:
        check_count(finalists, "finalists")
    total, flat = len(problem), Flat()
    with attacking(problem.net), progress_bar(total, "images", progress=progress) as bar:
        best, queries = problem.images.clone(), torch.zeros_like(problem.labels)
        for rows in torch.arange(total, device=images.device).split(chunk):
            run = _Run(problem[rows], rows, torch.zeros_like(problem.images[rows]))
            for step in range(steps + 1):
                moved = (run.part.images + (1 + overshoot) * run.change).clamp_(0, 1)
                pixels, logits = _forward(problem.net, moved)
                queries[run.rows] += 1
                fooled = run.part.fooled(logits.detach())
                finished = int(fooled.sum())
                if finished:
                    best[run.rows[fooled]] = moved[fooled]
                    bar.update(finished)
                if step == steps or finished == len(fooled):
                    bar.update(len(fooled) - finished)
                    break
                if step == 0 and not targeted:
                    run.rivals = _rivals(run.part, logits.detach(), candidates)
                left: Tensor | slice = slice(None)
                if finished:
                    left = ~fooled
                    run.keep(left)
                if finished * AGAIN >= len(fooled):
                    pixels, logits = _forward(problem.net, moved[left])
                    queries[run.rows] += 1
                    left = slice(None)
                zero = run.advance(pixels, logits, left, norm, finalists, look=step == 0)
                if step == 0:
                    flat.count(zero)
    flat.warn(total)
    return perturbed(problem, best, queries, chunk)


@dataclass
class _Run:
    """The images of a batch that are not done."""

    part: Problem
    rows: Tensor  # their places among all
    change: Tensor  # the sum of the steps, without overshoot
    rivals: Tensor | None = None  # classes [N, candidates - 1]; None: targeted

    def keep(self, index: Tensor) -> None:
        self.part, self.rows, self.change = self.part[index], self.rows[index], self.change[index]
        self.rivals = None if self.rivals is None else self.rivals[index]

    def advance(
        self,
        pixels: Tensor,
        logits: Tensor,
        left: Tensor | slice,
        norm: str,
        finalists: int | None,
        look: bool,
    ) -> Tensor:
        """One step, to the nearest of the linearised boundaries.

        ``left`` says which of the pixels and logits are these images'. Returns, if it is to
        ``look``, for which images all gradients are zero, bool ``[N]``.
        """
        low, high = self.part.bounds()
        with torch.enable_grad():
            values = self.values(logits[left])
        nearest = torch.full_like(values[0].detach(), torch.inf)
        flat = torch.ones_like(nearest, dtype=torch.bool)
        step, distances = torch.zeros_like(self.change), []
        for i, f in enumerate(values):
            more = i + 1 < len(values)
            w = slope_of(f, pixels, again=more)[left]
            if look:
                flat &= (w == 0).flatten(1).all(1)
            if self.part.mask is not None:
                w = w * self.part.mask
            size = torch.linalg.vector_norm(w.flatten(1), 2 if norm == "2" else 1, dim=1)
            distance = f.detach().abs() / size.clamp_min(1e-12)
            towards = w / column(size.clamp_min(1e-12)) if norm == "2" else w.sign()
            nearer = distance < nearest
            nearest = torch.where(nearer, distance, nearest)
            step = torch.where(column(nearer), towards * column(distance + NEAR), step)
            distances.append(distance)
        if self.rivals is not None and finalists is not None and len(values) > finalists:
            order = torch.stack(distances, 1).topk(finalists, largest=False).indices
            self.rivals = self.rivals.gather(1, order)
        self.change = torch.clamp(self.change + step, low, high)
        return flat

    def values(self, logits: Tensor) -> list[Tensor]:
        """``f_k``, ``[N]`` for each rival: negative until that boundary is crossed."""
        if self.rivals is None:
            return [self.part.margin(logits)]
        own = logits.gather(1, self.part.labels[:, None])
        return list((logits.gather(1, self.rivals) - own).unbind(1))


def _forward(net: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """The images as the leaf of a graph, and their logits."""
    with torch.enable_grad():
        pixels = images.detach().requires_grad_()
        return pixels, net(pixels).float()


def _rivals(part: Problem, logits: Tensor, candidates: int) -> Tensor:
    """The most likely classes but the label, ``[N, min(candidates, K) - 1]``."""
    others = logits.scatter(1, part.labels[:, None], -torch.inf)
    return others.topk(min(candidates, logits.shape[1]) - 1, dim=1).indices
