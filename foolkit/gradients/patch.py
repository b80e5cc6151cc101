"""A patch that fools wherever it is put (Brown, Mané, Roy, Abadi and Gilmer 2017)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

from foolkit.checks import (
    MOST_VALUES,
    check_choice,
    check_count,
    check_images,
    check_number,
    check_tensor,
)
from foolkit.gradients.problem import CHUNK, Problem, attacking, slope_of
from foolkit.gradients.result import Perturbed, perturbed
from foolkit.gradients.sign import Loss, check_loss, rising
from foolkit.progress import progress_bar
from foolkit.seeds import Seed, generator_of

Shape = Literal["square", "disc"]
SHAPES: tuple[Shape, ...] = ("square", "disc")


@dataclass(frozen=True)
class Placed:
    """Where patches lie on N images, and how.

    Attributes:
        corners: int64 ``[N, 2]``, top and left of the patch as it is, before it is turned and
            scaled about its own centre.
        turns: float32 ``[N]``, in degrees, against the clock.
        scales: float32 ``[N]``, 1 as it is.
    """

    corners: Tensor
    turns: Tensor
    scales: Tensor

    def __len__(self) -> int:
        return len(self.corners)

    def __getitem__(self, rows: Tensor | slice) -> Placed:
        return Placed(self.corners[rows], self.turns[rows], self.scales[rows])


@dataclass(frozen=True, repr=False)
class Patch:
    """A small picture that covers a part of any image.

    Attributes:
        pixels: float32 ``[C, S, S]`` in [0, 1].
        shape: ``"square"``, or ``"disc"``, of which the corners stay clear.
        target: the class that it is to be read as, or None: any but the right one.
        turn: it was made for turns of up to so many degrees either way.
        scales: and for scales of this range.

    Raises:
        TypeError, ValueError: what is not as described. Values of pixels are not read.
    """

    pixels: Tensor
    shape: Shape = "square"
    target: int | None = None
    turn: float = 0.0
    scales: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        check_tensor(self.pixels, "pixels", 3, floating=True)
        if self.pixels.shape[1] != self.pixels.shape[2]:
            raise ValueError(f"pixels: expected [C, S, S], got {list(self.pixels.shape)}")
        if self.target is not None:
            check_count(self.target, "target", minimum=0)
        _check_form(self.shape, self.turn, self.scales)

    def __repr__(self) -> str:
        return f"Patch({list(self.pixels.shape)}, shape={self.shape!r}, target={self.target})"

    @property
    def size(self) -> int:
        """Of its side, in pixels."""
        return self.pixels.shape[1]

    def places(self, images: Tensor, seed: Seed = 0) -> Placed:
        """A place for each of N images, uniform over those where all of it lies in the image.

        Turns and scales are uniform over what it was made for; scaled up, or turned, its ends may
        leave the image where the place is near an edge.

        Args:
            images: ``[N, C, H, W]``.
            seed: an integer or a generator on the images' device.
        """
        n, device, draws = len(images), images.device, generator_of(seed, images.device)
        self._fits(images)
        corners = [
            torch.randint(side - self.size + 1, (n,), generator=draws, device=device)
            for side in images.shape[2:]
        ]
        turns, scales = torch.rand((2, n), generator=draws, device=device)
        low, high = self.scales
        return Placed(
            torch.stack(corners, 1), self.turn * (2 * turns - 1), low + (high - low) * scales
        )

    def apply(self, images: Tensor, places: Placed | tuple[int, int]) -> Tensor:
        """The images with the patch laid on them, ``[N, C, H, W]``.

        Args:
            images: float32 ``[N, C, H, W]`` in [0, 1].
            places: of each image; or top and left, the same for all.

        Raises:
            TypeError, ValueError: images that do not fit, other numbers of places, a patch that
                would begin outside the image.
        """
        check_images(images)
        self._fits(images)
        return laid(images, self.pixels.to(images.device), self.shape, self._placed(images, places))

    def judged(
        self,
        net: nn.Module,
        images: Tensor,
        labels: Tensor,
        places: Placed | tuple[int, int] | None = None,
        *,
        seed: Seed = 0,
        chunk: int = CHUNK,
    ) -> Perturbed:
        """What a network makes of images with the patch, its own or any other network.

        With a target the result is targeted: its ``labels`` are the target, and ``fooled`` counts
        images that the network had not read so before. Images whose true class is the target
        should be left out beforehand.

        Args:
            net, images, chunk: as for ``fgsm``.
            labels: int64 ``[N]``, the true classes.
            places: as for ``apply``; by default drawn by ``seed``.

        Raises:
            TypeError, ValueError: an argument that does not fit.
        """
        problem = _problem(net, images, labels, self.target)
        check_count(chunk, "chunk")
        if places is None:
            places = self.places(problem.images, seed)
        return perturbed(problem, self.apply(problem.images, places), 0, chunk)

    def _fits(self, images: Tensor) -> None:
        channels, height, width = images.shape[1:]
        if channels != self.pixels.shape[0] or self.size > min(height, width):
            raise ValueError(
                f"images: expected {self.pixels.shape[0]} channels and at least {self.size} x"
                f" {self.size} pixels, as the patch has, got {list(images.shape)}"
            )

    def _placed(self, images: Tensor, places: Placed | tuple[int, int]) -> Placed:
        n = len(images)
        if isinstance(places, Placed):
            if len(places) != n:
                raise ValueError(f"places: expected {n}, one an image, got {len(places)}")
        else:
            if len(places) != 2:
                raise ValueError(f"places: expected top and left, got {places!r}")
            corner = torch.tensor(places, device=images.device).expand(n, 2)
            still = torch.zeros(n, device=images.device)
            places = Placed(corner, still, still + 1)
        for k, side in enumerate(images.shape[2:]):
            low, high = (int(v) for v in places.corners[:, k].aminmax())
            if low < 0 or high > side - self.size:
                raise ValueError(
                    f"places: expected {('top', 'left')[k]} from 0 to {side - self.size},"
                    f" got {low} to {high}"
                )
        return places


def _check_form(shape: Shape, turn: float, scales: tuple[float, float]) -> None:
    check_choice(shape, SHAPES, "shape")
    check_number(turn, "turn", least=0, most=180)
    if not isinstance(scales, Sequence) or len(scales) != 2:
        raise ValueError(f"scales: expected the least and the greatest, got {scales!r}")
    low, high = scales
    check_number(low, "scales", above=0)
    check_number(high, "scales", least=low)


def patch(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    target: int | None,
    size: int,
    shape: Shape = "square",
    turn: float = 0.0,
    scales: tuple[float, float] = (1.0, 1.0),
    steps: int = 200,
    batch: int = 100,
    step_size: float = 0.05,
    loss: Loss = "cross-entropy",
    seed: Seed = 0,
    progress: bool = True,
) -> Patch:
    """A patch that is read as ``target`` wherever it lies (Brown et al. 2017, section 2).

    The expected log-confidence in the target, over images, places, turns and scales, is climbed by
    Adam: each step draws a batch of images and for each its own place, turn and scale (expectation
    over transformation, Athalye et al. 2018). The patch may be anything: it is not held near the
    images. Deviations: images whose label is the target take no part; Adam, with values cut off at
    0 and 1 after each step, where the paper names no optimiser; without a target the loss of the
    labels rises.

    Args:
        net, loss: as for ``fgsm``.
        images: float32 ``[N, C, H, W]`` in [0, 1], to make it on. Judge it on others.
        labels: int64 ``[N]``, the true classes.
        target: the class to be read; None: any but the right one.
        size: side of the patch, in pixels, at most that of the image.
        shape: ``"square"`` or, as in the paper, ``"disc"``.
        turn: most degrees that it may be turned, either way, 0 to 180.
        scales: least and greatest scale, both above 0.
        steps, batch: of the ascent, and the images of each.
        step_size: Adam's, at most 1, the whole range of a pixel.
        seed: of the first pixels, images, places, turns and scales; an integer or a generator on
            the images' device.
        progress: show a bar if it takes longer than a second.

    Raises:
        TypeError, ValueError: an argument that does not fit; no image but of the target.
    """
    problem = _problem(net, images, labels, target)
    channels, height, width = images.shape[1:]
    size = check_count(size, "size", most=min(height, width))
    _check_form(shape, turn, scales)
    low, high = scales
    check_count(steps, "steps")
    batch = check_count(batch, "batch", most=MOST_VALUES // images[0].numel())
    check_number(step_size, "step_size", above=0, most=1)
    check_loss(loss, problem)
    if target is not None:
        others = labels.to(images.device) != target
        if not bool(others.any()):
            raise ValueError(f"labels: expected images of other classes than {target}, got none")
        problem = problem[others.nonzero()[:, 0]]
    draws, device = generator_of(seed, images.device), images.device
    still = (turn, low, high) == (0, 1, 1)
    with attacking(problem.net), progress_bar(steps, "steps", progress=progress) as bar:
        pixels = torch.rand((channels, size, size), generator=draws, device=device)
        pixels.requires_grad_()
        climb = torch.optim.Adam([pixels], lr=step_size, maximize=True)
        for _ in range(steps):
            made = Patch(pixels.detach(), shape, target, float(turn), (float(low), float(high)))
            rows = torch.randint(len(problem), (batch,), generator=draws, device=device)
            part = problem[rows]
            places = made.places(part.images, draws)
            with torch.enable_grad():
                seen = laid(part.images, pixels, shape, places, still)
                logits = part.net(seen).float()
                climbed = rising(part, loss)(logits).mean()
                pixels.grad = slope_of(climbed, pixels)
            climb.step()
            pixels.clamp_(0, 1)
            bar.update()
    return Patch(pixels.detach(), shape, target, float(turn), (float(low), float(high)))


def laid(
    images: Tensor, pixels: Tensor, shape: Shape, places: Placed, still: bool | None = None
) -> Tensor:
    """Images ``[N, C, H, W]`` with ``pixels`` ``[C, S, S]`` on each, differentiable by both.

    As it is, a patch is copied pixel by pixel; turned or scaled, it is resampled (bilinear).
    ``still``: whether none is turned or scaled; by default that is looked up.
    """
    size = pixels.shape[1]
    cover = covered(size, shape, images.device).to(images)
    if still is None:
        still = bool((places.turns == 0).all() & (places.scales == 1).all())
    if still:
        down, across = (
            torch.arange(side, device=images.device) - places.corners[:, k, None]
            for k, side in enumerate(images.shape[2:])
        )  # [N, H], [N, W]: where each row and column lies within the patch
        inside = ((down >= 0) & (down < size))[:, :, None]
        inside = inside & ((across >= 0) & (across < size))[:, None]
        down, across = down.clamp(0, size - 1)[:, :, None], across.clamp(0, size - 1)[:, None]
        there = (cover[down, across] * inside)[:, None]
        return torch.where(there > 0, pixels[:, down, across].transpose(0, 1), images)
    n, _, height, width = images.shape
    centre = places.corners.to(images) + size / 2
    angle = places.turns * (math.pi / 180)
    cos, sin = angle.cos() / places.scales, angle.sin() / places.scales
    # from the view's coordinates in [-1, 1] to the patch's; x before y
    x0, y0 = width / 2 - centre[:, 1], height / 2 - centre[:, 0]
    rows = [
        torch.stack([cos * width, -sin * height, 2 * (cos * x0 - sin * y0)], 1),
        torch.stack([sin * width, cos * height, 2 * (sin * x0 + cos * y0)], 1),
    ]
    grid = affine_grid(torch.stack(rows, 1) / size, [n, 1, height, width], align_corners=False)
    both = torch.cat([pixels * cover, cover[None]]).expand(n, -1, -1, -1)
    seen = grid_sample(both, grid, padding_mode="zeros", align_corners=False)
    return seen[:, :-1] + (1 - seen[:, -1:]) * images


def covered(size: int, shape: Shape, device: torch.device | str = "cpu") -> Tensor:
    """bool ``[size, size]``: where the patch covers what is below."""
    if shape == "square":
        return torch.ones(size, size, dtype=torch.bool, device=device)
    off = torch.arange(size, device=device) - (size - 1) / 2
    return off[:, None] ** 2 + off[None] ** 2 <= (size / 2) ** 2


def _problem(net: nn.Module, images: Tensor, labels: Tensor, target: int | None) -> Problem:
    """Targeted, if there is a target: then that is every image's label."""
    problem = Problem.checked(net, images, labels)
    if target is None:
        return problem
    check_count(target, "target", minimum=0, most=problem.classes - 1)
    goals = torch.full_like(problem.labels, target)
    return Problem.checked(net, images, goals, targeted=True, argument="target")
