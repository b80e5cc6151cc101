"""One change for all images (Moosavi-Dezfooli, Fawzi, Fawzi and Frossard 2017)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from foolkit.checks import (
    check_choice,
    check_count,
    check_flag,
    check_fraction,
    check_images,
    check_number,
    check_shape,
    check_tensor,
    is_real,
)
from foolkit.gradients.problem import (
    CHUNK,
    HIDDEN,
    Flat,
    Problem,
    attacking,
    check_within,
    gradient,
    norm_named,
)
from foolkit.gradients.result import Ball, Perturbed, perturbed
from foolkit.gradients.sign import REMEDY, STEEPEST, Loss, check_loss, project, rising
from foolkit.progress import progress_bar
from foolkit.seeds import Seed, generator_of

Norm = Literal["inf", "2"]
NORMS: tuple[Norm, ...] = ("inf", "2")
MOST = 9.0  # of the loss of one image, so that no image outweighs the others


@dataclass(frozen=True, repr=False)
class Universal:
    """One change that is added to any image.

    Attributes:
        change: float32 ``[C, H, W]``, in units of the pixel range.
        epsilon: the radius of the ball in which it lies, in ``norm``.
        norm: ``"inf"`` or ``"2"``.
        targeted: whether it was made to reach classes, and not to leave them.
        fooled: the share of the images it was made on that were fooled in the last pass of the
            search, each before its step; NaN where that is not known.

    Raises:
        TypeError, ValueError: what is not as described. Values of the change are not read.
    """

    change: Tensor
    epsilon: float
    norm: Norm = "inf"
    targeted: bool = False
    fooled: float = math.nan

    def __post_init__(self) -> None:
        check_tensor(self.change, "change", 3, floating=True)
        check_number(self.epsilon, "epsilon", least=0)
        check_choice(self.norm, NORMS, "norm")
        check_flag(self.targeted, "targeted")
        if not (is_real(self.fooled) and math.isnan(self.fooled)):
            check_fraction(self.fooled, "fooled")

    def __repr__(self) -> str:
        own = "" if math.isnan(self.fooled) else f", {self.fooled:.0%} of its own images fooled"
        size = f"epsilon={self.epsilon:g}, norm={self.norm!r}"
        return f"Universal({list(self.change.shape)}, {size}{own})"

    def apply(self, images: Tensor) -> Tensor:
        """The images with the change added, cut off at 0 and 1: ``[N, C, H, W]``.

        Raises:
            TypeError, ValueError: no images, or of another shape than the change.
        """
        check_images(images)
        check_shape(images, tuple(self.change.shape))
        return (images + self.change.to(images.device)).clamp_(0, 1)

    def judged(
        self, net: nn.Module, images: Tensor, labels: Tensor, *, chunk: int = CHUNK
    ) -> Perturbed:
        """What a network makes of images with the change, its own or any other network.

        Args:
            net, images, chunk: as for ``fgsm``.
            labels: int64 ``[N]``: true classes, or what the network says of the images as they
                are (the paper's *fooling rate* counts changed answers), or goals if ``targeted``.

        Raises:
            TypeError, ValueError: an argument that does not fit.
        """
        problem = Problem.checked(net, images, labels, self.targeted)
        check_count(chunk, "chunk")
        ball: Ball = (self.norm, self.epsilon)
        return perturbed(problem, self.apply(problem.images), 0, chunk, ball)


def universal(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    norm: Norm | float = "inf",
    passes: int = 10,
    batch: int = 100,
    step_size: float | None = None,
    loss: Loss = "cross-entropy",
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: Seed = 0,
    progress: bool = True,
) -> Universal:
    """One change that fools on many images, also on those that it was not made on.

    Projected stochastic gradient ascent (Shafahi et al. 2020, section 3): each step takes one
    batch, the steepest step of the mean loss with respect to the change they share, and the
    projection onto the ball. The loss of an image counts up to ``MOST`` only, so that an image
    that is fooled long since no longer pulls.

    What Moosavi-Dezfooli et al. (2017, algorithm 1) do instead: they take the images one by one,
    add to the change what DeepFool needs to move this one across its boundary, project, and go on
    until enough are fooled. That is one search of many passes an image, and cannot be batched.
    Deviations from Shafahi et al.: the sum is cut off at 0 and 1 when the network is asked, and
    the last half of the steps is shorter, down to a tenth, so that the search ends somewhere.

    Args:
        net, loss, targeted: as for ``fgsm``.
        images: float32 ``[N, C, H, W]`` in [0, 1], to make it on. Judge it on others.
        labels: int64 ``[N]``, as for ``fgsm``.
        epsilon: radius of the ball in ``norm``, in units of the pixel range.
        norm: ``"inf"`` or ``"2"``.
        passes: over the images.
        batch: images of a step.
        step_size: length of a step in ``norm``; default ``epsilon / 5``.
        mask: bool, broadcast to one image: True where a pixel may change.
        seed: of the order of the images; an integer or a generator on their device.
        progress: show a bar if it takes longer than a second.

    Raises:
        TypeError, ValueError: an argument that does not fit.

    Warns:
        UserWarning: images whose gradient is exactly zero in the first pass.
    """
    problem = Problem.checked(net, images, labels, targeted, _of_one(mask))
    check_number(epsilon, "epsilon", least=0)
    norm = norm_named(norm, NORMS)
    if norm == "inf":
        check_within([epsilon])
    check_loss(loss, problem)
    check_count(passes, "passes")
    batch = check_count(batch, "batch")
    length = epsilon / 5 if step_size is None else step_size
    if step_size is not None:
        check_number(step_size, "step_size", above=0)
    draws, n = generator_of(seed, images.device), len(problem)
    allowed = None if problem.mask is None else problem.mask[:1]
    change = torch.zeros_like(problem.images[:1])
    edge = torch.full_like(change, torch.inf)  # no box of its own: it is added to any image
    steps, done, flat = passes * -(-n // batch), 0, Flat()
    first, fooled = True, torch.zeros((), device=images.device)
    with attacking(problem.net), progress_bar(steps, "steps", progress=progress) as bar:
        for _ in range(passes):
            fooled = torch.zeros_like(fooled)
            for rows in torch.randperm(n, generator=draws, device=images.device).split(batch):
                slope, logits = _slope(problem[rows], change, loss, allowed)
                there = problem[rows].fooled(logits)
                fooled += there.sum()
                if first:
                    flat.look(slope, there)
                step = STEEPEST[norm](slope.sum(0, keepdim=True), change, -edge, edge)
                change = change + length * min(1, max(0.1, 2 - 2 * done / steps)) * step
                change = project(change, norm, epsilon)
                done += 1
                bar.update()
            first = False
    flat.warn(n, REMEDY if loss == "cross-entropy" else HIDDEN)
    return Universal(change[0], float(epsilon), norm, problem.targeted, float(fooled / n))


def _slope(
    part: Problem, change: Tensor, loss: Loss, allowed: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The gradient of each image's loss by the change, ``[N, C, H, W]``, and the logits."""
    wanted = rising(part, loss)
    moved = part.images + change
    logits, _, slope = gradient(
        part.net, moved.clamp(0, 1), lambda logits: wanted(logits).clamp(max=MOST)
    )
    # what is cut off at the box does not move
    slope = slope * ((moved >= 0) & (moved <= 1))
    return slope if allowed is None else slope * allowed, logits


def _of_one(mask: Tensor | None) -> Tensor | None:
    """The mask, if it is the same for all images."""
    if isinstance(mask, Tensor) and mask.ndim == 4 and len(mask) != 1:
        raise ValueError(f"mask: expected one for all images, got {list(mask.shape)}")
    return mask
