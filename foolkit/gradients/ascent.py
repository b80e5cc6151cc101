"""Images painted by the gradient: fooling without evolution (Nguyen et al. 2015)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from foolkit.checks import (
    check_choice,
    check_count,
    check_fraction,
    check_images,
    check_module,
    check_number,
    image_shape,
)
from foolkit.gradients.blur import blurred, gaussian
from foolkit.gradients.problem import (
    CHUNK,
    Flat,
    Problem,
    Transform,
    Views,
    attacking,
    column,
)
from foolkit.gradients.result import Perturbed, measured
from foolkit.models.precision import device_of
from foolkit.progress import progress_bar
from foolkit.seeds import Seed, generator_of

MOST_STEPS = 10**7  # for each of which a confidence is kept
MOST_BLUR = 1000.0  # pixels
LOOK = 10  # steps between two looks at whether all images are done: a look makes a GPU wait


@dataclass(frozen=True, repr=False)
class Ascent(Perturbed):
    """The result of ``ascent``; ``originals`` are the images it began with, ``labels`` the goals.

    Where several are joined, those that took fewer steps stand still after their last:
    ``trajectory`` repeats its last row.

    Attributes:
        steps: int64 ``[N]``, gradient steps until the goal's confidence reached the threshold: 0
            if it was there at the start, -1 if it never was (always, if there is none).
        trajectory: float32 ``[T + 1, N]``, confidence in the goal before each step and after the
            last, of what the network was shown (with jitter or a transformation, of that image);
            constant once an image is done. T is the largest number of steps that any image of
            the call took.
    """

    steps: Tensor
    trajectory: Tensor

    KIND: ClassVar[str] = "ascent"
    DTYPES: ClassVar[dict[str, torch.dtype]] = {**Perturbed.DTYPES, "steps": torch.int64}

    @classmethod
    def _dimension(cls, name: str) -> int:
        return 1 if name == "trajectory" else 0

    @classmethod
    def _joined(cls, name: str, parts: list[Tensor]) -> Tensor:
        if name != "trajectory":
            return torch.cat(parts)
        longest = max(len(part) for part in parts)
        padded = [torch.cat([p, p[-1:].expand(longest - len(p), -1)]) for p in parts]
        return torch.cat(padded, 1)


def ascent(
    net: nn.Module,
    goals: Tensor,
    *,
    start: Literal["noise", "mean", "grey"] | Tensor = "noise",
    mean: Tensor | None = None,
    shape: tuple[int, int, int] | None = None,
    objective: Literal["probability", "logit"] = "probability",
    threshold: float | None = 0.9999,
    steps: int = 200,
    step_size: float = 0.01,
    decay: float = 0.0,
    blur: float = 0.0,
    blur_every: int = 4,
    jitter: int = 0,
    total_variation: float = 0.0,
    mask: Tensor | None = None,
    transform: Transform | None = None,
    samples: int = 1,
    seed: Seed = 0,
    chunk: int = CHUNK,
    progress: bool = True,
) -> Ascent:
    """Gradient ascent on a class (Nguyen, Yosinski and Clune 2015, section 3.6).

    ``x <- clip(x + a g / rms(g))`` with g the gradient of the goal's probability or logit, until
    the network is certain. After each step, if asked for, the priors of the paper's program:
    decay towards the mean image, and a blur.

    Deviations: that program chooses each step for a fixed gain in probability, here all steps
    have one length. Since only the direction of g counts, the logarithm of the probability is
    climbed: the same direction, and no underflow where the network is far from the goal.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        goals: int64 ``[N]``, the class that each image should become.
        start: ``"noise"`` (uniform in [0, 1]), ``"mean"`` (the mean image and Gaussian noise of
            deviation 1/255, as in the paper), ``"grey"`` (0.5 everywhere), or images
            ``[N, C, H, W]``.
        mean: ``[C, H, W]``, the mean image: where ``"mean"`` starts, and where decay leads to
            (without it, 0.5 everywhere).
        shape: ``(C, H, W)``; needed where neither the network nor ``start`` tells it.
        objective: climb the ``"probability"`` or the ``"logit"`` of the goal.
        threshold: confidence at which an image is done, and stays as it is; None: climb on.
        steps: at most, >= 1; each a forward and a backward pass.
        step_size: a, root mean square over the components of a step, in units of the pixel range.
        decay: share of the way to the mean image that each step goes back, in [0, 1].
        blur: standard deviation of a Gaussian blur, in pixels; 0: none.
        blur_every: steps from one blur to the next.
        jitter: largest shift, in pixels, by which the images are rolled around before a step, and
            back after it.
        total_variation: weight of ``mean (x_{i+1,j} - x_ij)^2 + mean (x_{i,j+1} - x_ij)^2``,
            which is subtracted from the logit or the logarithm of the probability.
        mask: bool, broadcast to the images: True where a pixel may change.
        transform: ``(images, generator) -> images``, differentiable: what the network is shown
            (see ``foolkit.transforms``), drawn anew for each step; the confidences of
            ``trajectory`` and ``threshold`` are those of what it is shown, all others of the
            result are of the image itself.
        samples: views of a step, over which confidence and gradient are averaged.
        seed: of start, jitter and transformations; an integer or a generator on the network's
            device.
        chunk: images of one pass.
        progress: show a bar if it takes longer than a second.

    Raises:
        TypeError, ValueError: an argument that does not fit.

    Warns:
        UserWarning: images whose gradient is exactly zero at the first step.
    """
    check_choice(objective, ("probability", "logit"), "objective")
    check_module(net)
    check_count(steps, "steps", most=MOST_STEPS)
    check_count(blur_every, "blur_every")
    check_count(jitter, "jitter", minimum=0)
    chunk = check_count(chunk, "chunk")
    check_number(step_size, "step_size", above=0)
    check_number(blur, "blur", least=0, most=MOST_BLUR)
    check_number(total_variation, "total_variation", least=0)
    check_fraction(decay, "decay")
    certain = math.inf
    if threshold is not None:
        check_fraction(threshold, "threshold")
        certain = threshold
    if not isinstance(goals, Tensor):
        raise TypeError(f"goals: expected an int64 tensor [N], got {type(goals).__name__}")
    if goals.ndim != 1 or not len(goals):
        raise ValueError(f"goals: expected shape [N], N >= 1, got {list(goals.shape)}")
    device = device_of(net)
    generator = generator_of(seed, device)
    begin = _begin(start, len(goals), mean, _shape(net, start, mean, shape), generator)
    views = Views.checked(transform, samples, generator)
    problem = Problem.checked(net, begin, goals, targeted=True, mask=mask, argument="goals")

    def score(part: Problem) -> Callable[[Tensor], Tensor]:
        def goal(logits: Tensor) -> Tensor:
            values = logits.log_softmax(1) if objective == "probability" else logits
            return values.gather(1, part.labels[:, None])[:, 0]

        return goal

    centre = torch.tensor(0.5, device=device) if mean is None else mean.to(device)
    kernel = gaussian(blur, device) if blur else None
    shifts = None
    if jitter:  # drawn at once, since the host needs them; a copy in the loop makes a GPU wait
        drawn = torch.randint(-jitter, jitter + 1, (steps, 2), generator=generator, device=device)
        shifts = drawn.tolist()
    longest = 0
    total = -(-len(begin) // chunk) * steps
    net, flat = problem.net, Flat()
    with attacking(net), progress_bar(total, "steps", progress=progress) as bar:
        result = problem.images.clone()
        reached = torch.full_like(problem.labels, -1)
        queries = torch.zeros_like(problem.labels)
        trajectory = begin.new_zeros((steps + 1, len(begin)))
        for rows in torch.arange(len(begin), device=device).split(chunk):
            part = problem[rows]
            images, done = part.images, torch.full_like(rows, -1)
            goal, seen = score(part), begin.new_zeros(len(rows))
            for step in range(steps + 1):
                last = step == steps
                shift = (0, 0) if last or shifts is None else shifts[step]
                shown = images.roll(shift, (2, 3)) if any(shift) else images
                if last:
                    logits = views.logits(net, shown)
                else:
                    logits, _, slope = views.gradient(net, shown, goal)
                    if step == 0:
                        flat.look(slope, part.fooled(logits))
                now = logits.softmax(1).gather(1, part.labels[:, None])[:, 0]
                seen = torch.where(done < 0, now, seen)
                trajectory[step, rows] = seen
                done = torch.where((done < 0) & (seen >= certain), step, done)
                queries[rows] += views.passes
                if last or (step % LOOK == 0 and bool((done >= 0).all())):
                    break
                slope = slope.roll((-shift[0], -shift[1]), (2, 3)) if any(shift) else slope
                if total_variation:
                    slope -= total_variation * _roughness_slope(images)
                if part.mask is not None:
                    slope *= part.mask
                moved = images + step_size * _unit_rms(slope)
                moved = moved.lerp_(centre, decay) if decay else moved
                if kernel is not None and (step + 1) % blur_every == 0:
                    moved = blurred(moved, kernel)
                moved = moved.clamp_(0, 1)
                if part.mask is not None:
                    moved = torch.where(part.mask, moved, part.images)
                images = torch.where(column(done < 0), moved, images)
                bar.update()
            trajectory[step:, rows] = seen
            bar.update(steps - step)
            result[rows], reached[rows] = images, done
            longest = max(longest, int(torch.where(done < 0, step, done).max()))
    flat.warn(len(begin))
    about = measured(problem, result, queries, chunk)
    return Ascent(**about, steps=reached, trajectory=trajectory[: longest + 1].clone())


def _shape(
    net: nn.Module, start: str | Tensor, mean: Tensor | None, shape: Sequence[int] | None
) -> tuple[int, int, int]:
    """``(C, H, W)`` from whoever knows it."""
    known = getattr(net, "input_shape", shape)
    for images in (mean, start):
        if isinstance(images, Tensor) and known is None:
            known = images.shape[-3:]
    if known is None:
        raise ValueError("shape: expected (channels, height, width), as the network has none")
    return image_shape(known)


def _begin(
    start: str | Tensor,
    count: int,
    mean: Tensor | None,
    shape: tuple[int, ...],
    generator: torch.Generator,
) -> Tensor:
    """The images to begin with, ``[N, C, H, W]``."""
    if mean is not None:
        if not isinstance(mean, Tensor):
            raise TypeError(f"mean: expected a tensor [C, H, W], got {type(mean).__name__}")
        check_images(mean[None], shape, "mean")
    if isinstance(start, Tensor):
        check_images(start, shape, "start")
        return start
    check_choice(start, ("noise", "mean", "grey"), "start")
    size = (count, *shape)
    how: dict[str, Any] = {"dtype": torch.float32, "device": generator.device}
    if start == "noise":
        return torch.rand(size, generator=generator, **how)
    if start == "grey":
        return torch.full(size, 0.5, **how)
    if mean is None:
        raise ValueError("mean: expected the mean image [C, H, W], to start from it")
    noise = torch.randn(size, generator=generator, **how)
    return (mean.to(generator.device) + noise / 255).clamp(0, 1)


def _unit_rms(slope: Tensor) -> Tensor:
    """Scaled to a root mean square of 1; by the largest first, lest the squares underflow."""
    largest = slope.abs().flatten(1).amax(1)
    slope = slope / column(largest.clamp_min(torch.finfo(slope.dtype).tiny))
    rms = slope.flatten(1).square().mean(1).sqrt()
    return slope / column(rms.clamp_min(1e-12))


def _roughness_slope(images: Tensor) -> Tensor:
    """The gradient of ``mean (x_{i+1,j} - x_ij)^2 + mean (x_{i,j+1} - x_ij)^2`` of each image."""
    down, right = images.diff(dim=2), images.diff(dim=3)
    down, right = down * (2 / down[0].numel()), right * (2 / right[0].numel())
    across = pad(right, (1, 0)) - pad(right, (0, 1))
    return across + pad(down, (0, 0, 1, 0)) - pad(down, (0, 0, 0, 1))
