"""A Gaussian blur of images."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad


def gaussian(deviation: float, device: torch.device | str | None = None) -> Tensor:
    """A Gaussian of ``2 ceil(3 deviation) + 1`` pixels, of sum 1."""
    radius = math.ceil(3 * deviation)
    places = torch.arange(-radius, radius + 1, device=device)
    weights = torch.exp(-0.5 * (places / deviation) ** 2)
    return weights / weights.sum()


def blurred(images: Tensor, kernel: Tensor) -> Tensor:
    """Convolved with the kernel along both axes; the edge pixels continue outwards."""
    n, c, h, w = images.shape
    radius = len(kernel) // 2
    flat = pad(images.reshape(n * c, 1, h, w), (radius,) * 4, mode="replicate")
    flat = conv2d(conv2d(flat, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))
    return flat.view(n, c, h, w)
