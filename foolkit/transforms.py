"""What happens to a picture between a screen and a network: drawn, and differentiable.

Expectation over transformation (Athalye, Engstrom, Ilyas and Kwok 2018, *Synthesizing robust
adversarial examples*, section 2): what fools a network on the average over such changes fools it
through a camera. Each of these is a function ``(images, generator) -> images`` that draws once
a call and does the same to all images of the call: so images that are compared were treated
alike, and the answer to one does not hang on who its neighbours are. ``fk.gradients.ascent`` and
``fk.gradients.pgd`` take such a function as ``transform``; ``fk.models.transformed`` puts one
before a network, for evolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate, pad

from foolkit.checks import check_images, check_number, check_tensor, is_sequence
from foolkit.gradients.blur import blurred, gaussian

__all__ = [
    "Blur",
    "Brightness",
    "Chain",
    "Jpeg",
    "Paste",
    "Scale",
    "SensorNoise",
    "Shift",
    "Transform",
    "jpeg",
]

Transform = Callable[[Tensor, torch.Generator], Tensor]
LEAST_BLUR = 0.1  # pixels; of less, nothing is seen
BLOCK = 8  # pixels, of JPEG
# quantisation of JPEG's luminance and chrominance (ITU T.81, annex K), row by row
LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *[99] * 32,
)  # fmt: skip


def uniform(low: float, high: float, generator: torch.Generator) -> float:
    """One number; on a GPU it is waited for."""
    drawn = torch.rand((), generator=generator, device=generator.device)
    return low + (high - low) * float(drawn)


@dataclass(frozen=True)
class Chain:
    """Several transformations, one after another."""

    parts: tuple[Transform, ...]

    def __post_init__(self) -> None:
        if not is_sequence(self.parts):
            raise TypeError(f"parts: expected transformations, got {self.parts!r}")
        for part in self.parts:
            if not callable(part):
                raise TypeError(f"parts: expected transformations, got {part!r} in it")

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images as the last part leaves them."""
        for part in self.parts:
            images = part(images, generator)
        return images


@dataclass(frozen=True)
class Shift:
    """Moved by up to ``most`` pixels each way, fractions too; the edge continues outwards."""

    most: float

    def __post_init__(self) -> None:
        check_number(self.most, "most", least=0)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images ``[N, C, H, W]`` of the same size."""
        by = [uniform(-self.most, self.most, generator) for _ in range(2)]
        return _seen(images, 1.0, by)


@dataclass(frozen=True)
class Scale:
    """Drawn ``low`` to ``high`` times as large, about the centre; the edge continues outwards."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self.low, self.high, above=0)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images ``[N, C, H, W]`` of the same size."""
        return _seen(images, uniform(self.low, self.high, generator), [0.0, 0.0])


@dataclass(frozen=True)
class Brightness:
    """``c (x - 1/2) + 1/2 + b``, clipped: b within ``change`` of 0, c within ``contrast`` of 1."""

    change: float
    contrast: float = 0.0

    def __post_init__(self) -> None:
        check_number(self.change, "change", least=0, most=1)
        check_number(self.contrast, "contrast", least=0, most=1)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images of the same shape."""
        times = uniform(1 - self.contrast, 1 + self.contrast, generator)
        plus = uniform(-self.change, self.change, generator)
        return (times * (images - 0.5) + 0.5 + plus).clamp(0, 1)


@dataclass(frozen=True)
class Blur:
    """A Gaussian blur with a deviation of up to ``most`` pixels."""

    most: float

    def __post_init__(self) -> None:
        check_number(self.most, "most", least=0)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images of the same shape."""
        deviation = uniform(0, self.most, generator)
        if deviation < LEAST_BLUR:
            return images
        return blurred(images, gaussian(deviation, images.device).to(images))


@dataclass(frozen=True)
class SensorNoise:
    """Gaussian noise with a deviation of up to ``most`` of the pixel range, clipped."""

    most: float

    def __post_init__(self) -> None:
        check_number(self.most, "most", least=0)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images of the same shape."""
        deviation = uniform(0, self.most, generator)
        noise = torch.randn(images.shape[1:], generator=generator, device=images.device)
        return (images + deviation * noise).clamp(0, 1)


@dataclass(frozen=True)
class Jpeg:
    """JPEG of a quality from ``low`` to ``high`` (1 to 100), colours at full resolution.

    Rounding has no slope: the gradient passes straight through it (Athalye, Carlini and Wagner
    2018, section 4.1.2), and through the rest as it is. Grey or RGB.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self.low, self.high, above=0)
        check_number(self.high, "high", most=100)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images of the same shape."""
        return jpeg(images, uniform(self.low, self.high, generator))


@dataclass(frozen=True)
class Paste:
    """As a camera sees a picture on a wall: smaller than the view, somewhere in it.

    The image shrinks to a share of the view and lies on a piece of one of the backgrounds. Where
    the share is above 1, or the place is near an edge, some of it is out of view.

    Attributes:
        backgrounds: float32 ``[M, C, H, W]`` in [0, 1], at least as large as the images.
        low, high: share of the view's height and width.
        off: by how much of the view its centre may be off, each way.
    """

    backgrounds: Tensor
    low: float
    high: float
    off: float = 0.0

    def __post_init__(self) -> None:
        check_images(self.backgrounds, argument="backgrounds")
        _check_range(self.low, self.high, above=0)
        check_number(self.off, "off", least=0, most=1)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images ``[N, C, H, W]`` of the same size, the view."""
        height, width = images.shape[2:]
        most = [self.backgrounds.shape[2] - height, self.backgrounds.shape[3] - width]
        if min(most) < 0:
            raise ValueError(
                f"backgrounds: expected at least {height} x {width} pixels, as the images have,"
                f" got {list(self.backgrounds.shape)}"
            )
        which, top, left = (
            int(uniform(0, limit, generator))
            for limit in (len(self.backgrounds), most[0] + 1, most[1] + 1)
        )
        behind = self.backgrounds[which, :, top : top + height, left : left + width]
        share = uniform(self.low, self.high, generator)
        by = [uniform(-self.off, self.off, generator) * side for side in (width, height)]
        smooth = images  # as a lens does, before there are fewer pixels
        if share < 1:
            small = (max(1, round(height * share)), max(1, round(width * share)))
            smooth = interpolate(images, small, mode="area")
        there = _seen(torch.ones_like(images[:1, :1]), share, by, "zeros")
        return there * _seen(smooth, share, by, size=(height, width)) + (1 - there) * behind


def jpeg(images: Tensor, quality: float) -> Tensor:
    """``images`` ``[N, 1 or 3, H, W]`` in [0, 1] as a JPEG of this quality (1 to 100) has them."""
    check_tensor(images, "images", 4, floating=True)
    if images.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"images: expected float32 or float64, got {images.dtype}")
    check_number(quality, "quality", least=1, most=100)
    channels, height, width = images.shape[1:]
    if channels not in (1, 3):
        raise ValueError(f"images: expected 1 or 3 channels, got {channels}")
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    like: dict[str, Any] = {"dtype": images.dtype, "device": images.device}
    tables = torch.tensor([LUMINANCE, CHROMINANCE, CHROMINANCE][:channels], **like)
    tables = ((tables * scale + 50) / 100).floor().clamp(1, 255)
    colours = torch.tensor(
        [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]],
        **like,
    )
    grey = torch.tensor([0.0, 128, 128], **like).view(3, 1, 1)
    levels = images * 255
    if channels == 3:
        levels = torch.einsum("kc,nchw->nkhw", colours, levels)
        levels = levels + grey
    levels = straight_round(levels) - 128
    down, across = -height % BLOCK, -width % BLOCK
    levels = pad(levels, (0, across, 0, down), mode="replicate")
    blocks = levels.unflatten(3, (-1, BLOCK)).unflatten(2, (-1, BLOCK)).transpose(3, 4)
    cosines = _cosines(images.device).to(images)
    waves = cosines @ blocks @ cosines.T
    steps = tables.view(channels, 1, 1, BLOCK, BLOCK)
    blocks = cosines.T @ (straight_round(waves / steps) * steps) @ cosines
    levels = blocks.transpose(3, 4).flatten(4).flatten(2, 3) + 128
    levels = levels[..., :height, :width]
    if channels == 3:
        levels = levels - grey
        levels = torch.einsum("kc,nchw->nkhw", torch.linalg.inv(colours), levels)
    return (straight_round(levels) / 255).clamp(0, 1)


def straight_round(values: Tensor) -> Tensor:
    """Rounded; of slope 1 for the gradient."""
    return values + (values.round() - values).detach()


def _cosines(device: torch.device) -> Tensor:
    """The orthonormal discrete cosine transformation of eight values, ``[8, 8]``."""
    place = torch.arange(BLOCK, dtype=torch.float64, device=device)
    table = torch.cos(math.pi / BLOCK * (place + 0.5) * place[:, None]) * (2 / BLOCK) ** 0.5
    table[0] /= 2**0.5
    return table


def _seen(
    images: Tensor,
    scale: float,
    by: list[float],
    beyond: str = "border",
    size: tuple[int, int] | None = None,
) -> Tensor:
    """``scale`` times as large about the centre, then moved ``by`` pixels to the right and down.

    Args:
        images: ``[N, C, h, w]``.
        beyond: what is seen beyond the edge: ``"border"``, the edge itself, or ``"zeros"``.
        size: height and width of the view; as a rule that of the images.
    """
    height, width = size or images.shape[2:]
    moves = [-2 * move / (side * scale) for move, side in zip(by, (width, height), strict=True)]
    rows = [[1 / scale, 0, moves[0]], [0, 1 / scale, moves[1]]]
    about = torch.tensor(rows, dtype=images.dtype, device=images.device)
    view = [1, 1, height, width]
    grid = affine_grid(about[None], view, align_corners=False)
    grid = grid.expand(len(images), -1, -1, -1)
    return grid_sample(images, grid, padding_mode=beyond, align_corners=False)


def _check_range(low: float, high: float, above: float) -> None:
    check_number(low, "low", above=above)
    check_number(high, "high", least=low)
