"""Steps along the gradient of the loss: one (FGSM) or many (PGD)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from foolkit.checks import check_choice, check_count, check_flag, check_number
from foolkit.gradients.problem import (
    CHUNK,
    HIDDEN,
    LARGEST,
    Flat,
    Objective,
    Problem,
    Transform,
    Views,
    attacking,
    check_sizes,
    check_within,
    column,
    gradient,
    norm_named,
    several,
)
from foolkit.gradients.result import Ball, Perturbed, perturbed
from foolkit.progress import progress_bar
from foolkit.seeds import Seed, generator_of

Norm = Literal["inf", "2", "1"]
Gradient = Callable[..., tuple[Tensor, Tensor, Tensor]]
Loss = Literal["cross-entropy", "margin", "dlr"]
LOSSES = ("cross-entropy", "margin", "dlr")
REMEDY = "the softmax is saturated, or the gradient is hidden; try loss='margin' or loss='dlr'"
SPREAD = 1e-12  # added to a difference of logits that may be zero
SPARSE = 0.05  # share of the pixels that one step in the L1 norm changes


@overload
def fgsm(
    net: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, loss: Loss = ...,
    targeted: bool = ..., clip: bool = ..., mask: Tensor | None = ..., chunk: int = ...,
) -> Perturbed: ...  # fmt: skip
@overload
def fgsm(
    net: nn.Module, images: Tensor, labels: Tensor, *, epsilon: Sequence[float], loss: Loss = ...,
    targeted: bool = ..., clip: bool = ..., mask: Tensor | None = ..., chunk: int = ...,
) -> list[Perturbed]: ...  # fmt: skip
def fgsm(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float | Sequence[float],
    loss: Loss = "cross-entropy",
    targeted: bool = False,
    clip: bool = True,
    mask: Tensor | None = None,
    chunk: int = CHUNK,
) -> Perturbed | list[Perturbed]:
    """The fast gradient sign method (Goodfellow, Shlens and Szegedy 2014, section 4).

    ``x' = x + epsilon sign(grad_x J(x, label))`` with the cross-entropy J; towards the label,
    ``x - epsilon sign(...)``, if targeted. The paper does not clip to [0, 1]; here it is the
    default.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        images: float32 ``[N, C, H, W]`` in [0, 1], on the network's device.
        labels: int64 ``[N]``, the true classes, or the goals if ``targeted``.
        epsilon: size of the step, Linf in units of the pixel range; or several, which share the
            one gradient.
        loss: what rises: the ``"cross-entropy"`` of the papers; or, since they do not vanish where
            the softmax is saturated, the ``"margin"`` ``max_{k != label} Z_k - Z_label`` of the
            logits (Carlini and Wagner 2017, loss f_6), or the difference-of-logits ratio
            ``"dlr"``, the margin on a scale of the logits' own (see ``logits_ratio``).
        targeted: make the labels the goal.
        clip: clip to [0, 1].
        mask: bool, broadcast to the images: True where a pixel may change.
        chunk: images of one pass.

    Returns:
        The result; for several epsilons a list of results, in their order.

    Raises:
        TypeError, ValueError: images, labels, mask or a number that do not fit.

    Warns:
        UserWarning: images whose gradient is exactly zero.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    chunk = check_count(chunk, "chunk")
    check_flag(clip, "clip")
    check_loss(loss, problem)
    epsilons = check_sizes(epsilon, "epsilon")
    if clip:
        check_within(epsilons)
    flat = Flat()
    with attacking(problem.net):
        slopes, answers = [], []
        for part in problem.split(chunk):
            slope, logits = _loss_gradient(part, part.images, loss)
            flat.look(slope, part.fooled(logits))
            slopes.append(slope)
            answers.append(logits)
        first = torch.cat(answers)
        signs = torch.cat(slopes).sign_()
        if problem.mask is not None:
            signs *= problem.mask
        results = []
        for size in epsilons:
            moved = torch.add(problem.images, signs, alpha=size)
            if clip:
                moved.clamp_(0, 1)
            ball: Ball | None = ("inf", size) if clip else None
            results.append(perturbed(problem, moved, 1, chunk, ball, first))
    flat.warn(len(images), REMEDY if loss == "cross-entropy" else HIDDEN)
    return results if several(epsilon) else results[0]


@overload
def pgd(
    net: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, norm: Norm | float = ...,
    loss: Loss = ..., steps: int = ..., step_size: float | None = ..., random_start: bool = ...,
    restarts: int = ..., targeted: bool = ..., mask: Tensor | None = ...,
    transform: Transform | None = ..., samples: int = ..., seed: Seed = ..., chunk: int = ...,
    progress: bool = ...,
) -> Perturbed: ...  # fmt: skip
@overload
def pgd(
    net: nn.Module, images: Tensor, labels: Tensor, *, epsilon: Sequence[float],
    norm: Norm | float = ..., loss: Loss = ..., steps: int = ..., step_size: float | None = ...,
    random_start: bool = ..., restarts: int = ..., targeted: bool = ..., mask: Tensor | None = ...,
    transform: Transform | None = ..., samples: int = ..., seed: Seed = ..., chunk: int = ...,
    progress: bool = ...,
) -> list[Perturbed]: ...  # fmt: skip
def pgd(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float | Sequence[float],
    norm: Norm | float = "inf",
    loss: Loss = "cross-entropy",
    steps: int = 40,
    step_size: float | None = None,
    random_start: bool = True,
    restarts: int = 1,
    targeted: bool = False,
    mask: Tensor | None = None,
    transform: Transform | None = None,
    samples: int = 1,
    seed: Seed = 0,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Perturbed | list[Perturbed]:
    """Projected gradient descent (Madry et al. 2018, section 2.1).

    ``x_{t+1} = P(x_t + a d(grad_x J(x_t, label)))``, where P projects onto the ball of radius
    epsilon around x and onto [0, 1], and d is the steepest direction of unit norm: the sign for
    Linf, ``g / |g|_2`` for L2, and for L1 the sign over the largest ``SPARSE`` part of the
    components that the box lets move (Tramèr and Boneh 2019, section 3.1). Without a random
    start in Linf this is the basic iterative method of Kurakin et al. (2016). All steps are
    taken: the loss is maximised, not the distance minimised.

    Args:
        net, images, labels, loss, targeted, mask, chunk: as for ``fgsm``.
        epsilon: radius of the ball in ``norm``, in units of the pixel range; or several. Balls
            are nested, so an image that was fooled in a smaller ball is the result in each
            larger one, and only the others are attacked again.
        norm: ``"inf"``, ``"2"`` or ``"1"``; 2, ``"L2"`` and ``math.inf`` are understood.
        steps: gradient steps, each a forward and a backward pass.
        step_size: length a of a step in ``norm``; default ``2.5 epsilon / steps`` (as in the
            paper's section 5), so that the boundary of the ball can be reached from anywhere.
        random_start: begin at a uniform random point of the ball.
        restarts: runs; images fooled by one are not run again, of the others the run with the
            largest margin is kept. More than one needs a random start.
        transform: ``(images, generator) -> images``, differentiable: what the network is shown
            (see ``foolkit.transforms``), drawn anew for each step, and once more to choose among
            runs. The result is judged on the images themselves.
        samples: views of a step, over which the gradient is averaged.
        seed: of the random starts and the transformations; an integer or a generator on the
            images' device.
        progress: show a bar if it takes longer than a second.

    Returns:
        The result; for several epsilons a list of results, in their order.

    Raises:
        TypeError, ValueError: an argument that does not fit.

    Warns:
        UserWarning: images whose gradient is exactly zero at the first step.
    """
    problem = Problem.checked(net, images, labels, targeted, mask)
    epsilons = check_sizes(epsilon, "epsilon")
    check_flag(random_start, "random_start")
    check_loss(loss, problem)
    norm = norm_named(norm, tuple(STEEPEST))
    if norm == "inf":
        check_within(epsilons)
    for name, value in (("steps", steps), ("restarts", restarts)):
        check_count(value, name)
    chunk = check_count(chunk, "chunk")
    if step_size is not None:
        check_number(step_size, "step_size", above=0, most=LARGEST)
    if restarts > 1 and not random_start:
        raise ValueError("restarts: expected 1 without a random start (all runs would be the same)")
    generator = generator_of(seed, images.device)
    views = Views.checked(transform, samples, generator)

    flat = Flat()
    rounds = [size for size in sorted(set(epsilons)) for _ in range(restarts)]
    results = {}
    total = len(rounds) * -(-len(images) // chunk) * steps
    with attacking(problem.net), progress_bar(total, "steps", progress=progress) as bar:
        best, lead = problem.images.clone(), images.new_full((len(images),), -torch.inf)
        queries = torch.zeros_like(problem.labels)
        for number, size in enumerate(rounds):
            length = 2.5 * size / steps if step_size is None else step_size
            # for all images: where one starts depends neither on the chunk nor on the others
            starts = random_in_ball(problem.images, norm, size, generator) if random_start else None
            for rows in (lead <= 0).nonzero()[:, 0].split(chunk):
                if not len(rows):
                    break
                part = problem[rows]
                start = None if starts is None else starts[rows]
                seen = None if number else flat
                moved = _descend(part, start, size, norm, loss, steps, length, views, bar, seen)
                queries[rows] += steps * views.passes
                if len(rounds) == 1:
                    best[rows] = moved
                    continue
                logits = views.logits(problem.net, moved)
                queries[rows] += views.passes
                margin = part.margin(logits)
                margin = torch.where(part.fooled(logits), margin, margin.clamp(max=0))
                better = margin > lead[rows]
                best[rows] = torch.where(column(better), moved, best[rows])
                lead[rows] = torch.maximum(margin, lead[rows])
            results[size] = best.clone(), queries.clone()
        bar.update(total - bar.n)
    judged = {
        size: perturbed(problem, *found, chunk, (norm, size)) for size, found in results.items()
    }
    flat.warn(len(images), REMEDY if loss == "cross-entropy" else HIDDEN)
    return [judged[size] for size in epsilons] if several(epsilon) else judged[epsilons[0]]


def _descend(
    part: Problem,
    start: Tensor | None,
    epsilon: float,
    norm: Norm,
    loss: Loss,
    steps: int,
    step_size: float,
    views: Views,
    bar: tqdm[Any],
    flat: Flat | None,
) -> Tensor:
    """The images after ``steps`` steps from the change ``start``; ``flat`` sees the first."""
    low, high = part.bounds()
    if norm == "inf":  # this ball is a box too: one clamp projects onto both
        low, high = low.clamp_(min=-epsilon), high.clamp_(max=epsilon)
    change = torch.zeros_like(part.images) if start is None else start.clamp_(low, high)
    for step in range(steps):
        slope, logits = _loss_gradient(part, part.images + change, loss, views.gradient)
        if flat is not None and step == 0:
            flat.look(slope, part.fooled(logits))
        if part.mask is not None:
            slope *= part.mask
        change.add_(STEEPEST[norm](slope, change, low, high), alpha=step_size)
        if norm != "inf":
            change = project(change, norm, epsilon)
        change.clamp_(low, high)  # shrinks every component, so it stays within the ball
        bar.update()
    return part.images + change


def _loss_gradient(
    part: Problem, images: Tensor, loss: Loss, gradient: Gradient = gradient
) -> tuple[Tensor, Tensor]:
    """Gradient of the loss that rises as the image is fooled, and the logits."""
    logits, _, slope = gradient(part.net, images, rising(part, loss))
    return slope, logits


def rising(part: Problem, loss: Loss) -> Objective:
    """The loss as what rises while an image is being fooled: logits ``[N, K]`` to ``[N]``."""
    if loss == "margin":
        return part.margin
    if loss == "dlr":
        return partial(logits_ratio, part)
    sign = -1 if part.targeted else 1
    return lambda logits: sign * cross_entropy(logits, part.labels, reduction="none")


def logits_ratio(part: Problem, logits: Tensor) -> Tensor:
    """The difference-of-logits ratio, ``[N]`` (Croce and Hein 2020, equations 6 and 7).

    The margin over a difference of the largest logits, ``Z_(1)`` the largest of all: so it is the
    same for logits times 10,000 as for themselves.

    * untargeted: ``(max_{k != label} Z_k - Z_label) / (Z_(1) - Z_(3))``;
    * targeted: ``(Z_label - max_{k != label} Z_k) / (Z_(1) - (Z_(3) + Z_(4)) / 2)``. Deviation:
      the paper subtracts the logit of the true class, which is not known here.
    """
    largest = logits.topk(3 + part.targeted, 1).values
    spread = largest[:, 0] - largest[:, 2:].mean(1)
    return part.margin(logits) / (spread + SPREAD)


def check_loss(loss: Loss, problem: Problem) -> None:
    """Raise ``ValueError`` for no loss, or for too few classes for it."""
    check_choice(loss, LOSSES, "loss")
    needed = 3 + problem.targeted
    if loss == "dlr" and problem.classes < needed:
        raise ValueError(
            f"loss: 'dlr' needs at least {needed} classes{' with goals' * problem.targeted}, the"
            f" network has {problem.classes}; loss='margin' needs two"
        )


def _sign(slope: Tensor, *_: Tensor) -> Tensor:
    return slope.sign_()


def _unit(slope: Tensor, *_: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(slope.flatten(1), dim=1)
    return slope.div_(column(length.clamp_min(torch.finfo(slope.dtype).tiny)))


def _largest(slope: Tensor, change: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The signs of the largest components that can still move, scaled to unit L1 norm."""
    held = ((change <= low) & (slope < 0)) | ((change >= high) & (slope > 0))
    size = slope.abs().masked_fill_(held, 0).flatten(1)
    count = max(1, round(SPARSE * size.shape[1]))
    top = size.topk(count, sorted=False)
    step = top.values.sign() * slope.flatten(1).gather(1, top.indices).sign()
    step /= step.abs().sum(1, keepdim=True).clamp_min(1)
    return torch.zeros_like(size).scatter_(1, top.indices, step).view_as(slope)


Steepest = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
STEEPEST: dict[Norm, Steepest] = {"inf": _sign, "2": _unit, "1": _largest}


def project(change: Tensor, norm: Norm, epsilon: float | Tensor) -> Tensor:
    """The nearest (Euclidean) points ``[N, C, H, W]`` of the ball of radius ``epsilon`` around 0.

    The L1 ball by sorting: the threshold t of ``sign(d) max(|d| - t, 0)`` is the last running
    mean of the sorted sizes that leaves its own component positive (Duchi et al. 2008).

    Args:
        change: float32 ``[N, C, H, W]``.
        norm: of the ball.
        epsilon: one radius, or ``[N]``, one for each.
    """
    flat = change.flatten(1)
    radius: Any = epsilon.view(-1, 1) if isinstance(epsilon, Tensor) else epsilon
    if norm == "inf":
        return flat.clamp(-radius, radius).view_as(change)
    if norm == "2":
        length = torch.linalg.vector_norm(flat, dim=1, keepdim=True)
        return (flat * (radius / length.clamp_min(1e-12)).clamp_max(1)).view_as(change)
    size = flat.abs()
    ordered = size.sort(1, descending=True).values
    count = torch.arange(1, flat.shape[1] + 1, device=flat.device)
    threshold = (ordered.cumsum(1) - radius) / count
    last = (ordered > threshold).sum(1, keepdim=True) - 1
    threshold = threshold.gather(1, last.clamp_min(0)).clamp_min(0)
    return (flat.sign() * (size - threshold).clamp_min(0)).view_as(change)


def random_in_ball(
    images: Tensor, norm: Norm, epsilon: float, generator: torch.Generator
) -> Tensor:
    """Independent uniform points of the ball of radius ``epsilon``, of the images' shape."""
    n, size = len(images), images[0].numel()
    how: dict[str, Any] = {"generator": generator, "dtype": images.dtype, "device": images.device}
    if norm == "inf":
        uniform = torch.rand(images.shape, **how)
        return uniform.mul_(2 * epsilon).sub_(epsilon)
    radius = torch.rand((n, 1), **how).pow_(1 / size)
    if norm == "2":
        points = torch.randn((n, size), **how)
        points /= torch.linalg.vector_norm(points, dim=1, keepdim=True)
    else:  # exponential sizes over their sum are uniform on the simplex
        points = torch.rand((n, size), **how).clamp_min_(1e-7).log_()
        points /= points.sum(1, keepdim=True)
        points *= torch.randint(2, (n, size), generator=generator, device=images.device) * 2 - 1
    return (points * radius * epsilon).view_as(images)
