"""A pedestrian detector: oriented gradients and a linear support vector machine.

Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005, with the
weights and the details of OpenCV's ``HOGDescriptor``. What is here scores a window of 64 x 128
pixels, for many windows at once; it is tested against OpenCV's own.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from foolkit.checks import check_count
from foolkit.extras import needs
from foolkit.models.classifier import Classifier

HEIGHT, WIDTH = 128, 64  # of the window; the person in it is some 96 pixels tall
CELL, BLOCK, BINS = 8, 16, 9  # pixels, pixels, and directions between 0 and 180 degrees
MOST = 0.2  # of a normalised histogram; what is above is cut, and the rest normalised again
CLASSES = ("no pedestrian", "pedestrian")


def _cv2() -> Any:
    needs("cv2", "detectors")
    import cv2

    return cv2


class Histograms(nn.Module):
    """Histograms of oriented gradients of windows ``[N, C, 128, 64]``: ``[N, 3780]``.

    The root of each value is taken; of colours the one with the strongest gradient counts, pixel
    by pixel. A pixel votes with the length of its gradient for the two nearest directions, in
    the four nearest cells of 8 x 8, less the farther it is from the middle of its block of 2 x 2
    cells. Blocks overlap by half. Each is normalised, cut at ``MOST``, and normalised again.

    The order is OpenCV's: blocks and, in each, cells column by column. There is a gradient,
    though not of which direction a pixel votes for.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rows", _votes(HEIGHT), persistent=False)
        self.register_buffer("columns", _votes(WIDTH).T.contiguous(), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Float32 ``[N, 3780]`` of windows in [0, 1]."""
        size, direction = _strongest(images)
        lower = direction.floor()
        upper = direction - lower
        place = lower.long() % BINS
        following = (place + 1) % BINS
        each = size.new_zeros(len(images), BINS, HEIGHT, WIDTH)
        each.scatter_(1, place, size * (1 - upper)).scatter_(1, following, size * upper)
        cells = self.rows @ (each @ self.columns)  # [N, 9, 15 * 2, 7 * 2]
        cells = cells.unflatten(2, (-1, 2)).unflatten(4, (-1, 2))
        # by column and row of the block, then of the cell, then direction
        blocks = cells.permute(0, 4, 2, 5, 3, 1).flatten(3)
        blocks = blocks / (blocks.square().sum(3, keepdim=True).sqrt() + 0.1 * blocks.shape[3])
        blocks = blocks.clamp_max(MOST)
        blocks = blocks / (blocks.square().sum(3, keepdim=True).sqrt() + 1e-3)
        return blocks.flatten(1)


def _strongest(images: Tensor) -> tuple[Tensor, Tensor]:
    """Length and direction of the gradient of each pixel, of the colour where it is longest.

    Returns:
        both ``[N, 1, H, W]``; directions in bins, half a turn is 9, minus one half.
    """
    roots = (255 * images).clamp_min(torch.finfo(images.dtype).tiny).sqrt()
    framed = pad(roots, (1, 1, 1, 1), mode="reflect")  # so a gradient across an edge is none
    along = framed[:, :, 1:-1, 2:] - framed[:, :, 1:-1, :-2]
    down = framed[:, :, 2:, 1:-1] - framed[:, :, :-2, 1:-1]
    colour = (along.square() + down.square()).argmax(1, keepdim=True)
    along, down = (part.gather(1, colour) for part in (along, down))
    flat = (along == 0) & (down == 0)
    along = torch.where(flat, torch.ones_like(along), along)  # or the slope of the length is NaN
    size = torch.where(flat, torch.zeros_like(along), torch.hypot(along, down))
    return size, torch.atan2(down, along).detach() * (BINS / math.pi) - 0.5


def _votes(length: int) -> Tensor:
    """How much a pixel counts along one axis, in each block and each of its two cells.

    A Gaussian of a quarter of the block about its middle, times how near the pixel is to the
    middle of the cell, linearly; the vote of a pixel is the product of both axes.

    Returns:
        float32 ``[blocks * 2, length]``, 0 outside the block.
    """
    place = torch.arange(BLOCK, dtype=torch.float64)
    bell = torch.exp(-((place - BLOCK / 2).square()) / (2 * (BLOCK / 4) ** 2))
    cell = (place + 0.5) / CELL - 0.5
    near = torch.stack([1 - (cell - k).abs() for k in range(BLOCK // CELL)]).clamp_min(0)
    votes = [pad(near * bell, (at, length - BLOCK - at)) for at in range(0, length - CELL, CELL)]
    return torch.cat(votes).float()


class Pedestrian(nn.Module):
    """The score of OpenCV's pedestrian detector as logits ``[N, 2]``: of no pedestrian, and of one.

    The support vector machine puts a window on the side of the pedestrians if its score is above
    0; how far above is no probability. The logits are ``(-score / 2, score / 2)``, so that the
    softmax is the logistic function of the score: the order is the machine's, and a confidence
    of one half is its boundary.

    Args:
        weights: float32 ``[3780]``.
        bias: which is added.
    """

    weights: Tensor

    def __init__(self, weights: Tensor, bias: float) -> None:
        super().__init__()
        self.histograms = Histograms()
        self.register_buffer("weights", weights)
        self.bias = bias

    def score(self, images: Tensor) -> Tensor:
        """Float32 ``[N]``: the machine's score, above 0 for a pedestrian."""
        return self.histograms(images) @ self.weights + self.bias

    def forward(self, images: Tensor) -> Tensor:
        """Logits of windows ``[N, C, 128, 64]`` in [0, 1]."""
        half = self.score(images)[:, None] / 2
        return torch.cat([-half, half], 1)


def pedestrian(channels: int = 1) -> Classifier:
    """OpenCV's default pedestrian detector on single windows, as a classifier of two classes.

    Args:
        channels: 1 or 3 of the images.

    Raises:
        TypeError, ValueError: another number of channels.
        ModuleNotFoundError: OpenCV is not installed.
    """
    check_count(channels, "channels")
    if channels not in (1, 3):
        raise ValueError(f"channels: expected 1 or 3, got {channels}")
    numbers = torch.from_numpy(_cv2().HOGDescriptor.getDefaultPeopleDetector()).float().flatten()
    module = Pedestrian(numbers[:-1].clone(), float(numbers[-1]))
    shape = (channels, HEIGHT, WIDTH)
    return Classifier(module, input_shape=shape, classes=CLASSES, name="pedestrian").eval()
