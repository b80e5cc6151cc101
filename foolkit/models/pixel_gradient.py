"""A convolution of grey images whose gradient with respect to the pixels is fast on a CPU."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

BLOCK = 4  # pixels: a processor multiplies the 16 numbers of a block as fast as one


class GreyConv2d(nn.Conv2d):
    """``nn.Conv2d(1, channels, 5)`` with the same weights, the same output and another backward.

    A convolution library computes many input channels at once. With a single one, nearly all of
    that work is wasted: in LeNet the first layer, a tenth of the network, takes a third of the
    time of a gradient. Cut into blocks of 4x4 pixels, an image has sixteen channels, and the
    gradient is one product of matrices. Elsewhere than on a CPU, or where the pixels need no
    gradient, this is ``nn.Conv2d`` itself.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(1, channels, BLOCK + 1)

    def forward(self, images: Tensor) -> Tensor:
        """``[N, 1, H, W]`` to ``[N, channels, H - 4, W - 4]``."""
        blocks = images.shape[-2] % BLOCK == images.shape[-1] % BLOCK == 0
        if not (images.requires_grad and images.device.type == "cpu" and blocks):
            return super().forward(images)
        # what the weights learn goes the usual way; only the way to the pixels is another
        made = super().forward(images.detach())
        return _ToPixels.apply(images, made, self.weight)  # type: ignore[no-untyped-call] # PyTorch's


class _ToPixels(torch.autograd.Function):
    """Hands ``maps`` on, and their gradient to the images that they are a convolution of.

    Written for ``torch.func`` too: ``grad``, ``vmap``, ``jacrev``, ``hessian`` and ``jvp``.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor, maps: Tensor, weight: Tensor) -> Tensor:
        return maps.view_as(maps)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[2])
        ctx.save_for_forward(inputs[2])

    @staticmethod
    def jvp(ctx: Any, images: Tensor, maps: Tensor, _: Tensor) -> Tensor:
        (weight,) = ctx.saved_tensors
        return maps + conv2d(images, weight)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor, None]:
        (weight,) = ctx.saved_tensors
        return pixel_gradient(slope, weight), slope, None


def pixel_gradient(slope: Tensor, weight: Tensor) -> Tensor:
    """The transposed convolution of ``slope`` ``[N, C, H, W]`` with ``[C, 1, 5, 5]`` filters.

    A block of 4x4 outputs looks at 8x8 pixels, which are 2x2 blocks.

    Returns:
        ``[N, 1, H + 4, W + 4]``; H and W are multiples of 4.
    """
    n, channels, height, width = slope.shape
    down, across = height // BLOCK, width // BLOCK
    # [16 places in a block * C, 2x2 blocks * 16 places]: each filter at its place in the 8x8
    filters = torch.stack(
        [pad(weight, (x, 3 - x, y, 3 - y)) for y, x in product(range(BLOCK), repeat=2)]
    )
    filters = filters.view(-1, 2, BLOCK, 2, BLOCK).transpose(2, 3).reshape(-1, 4 * BLOCK**2)
    blocks = slope.permute(0, 2, 3, 1).reshape(n, down, BLOCK, across, BLOCK, channels)
    parts = blocks.transpose(2, 3).reshape(n * down * across, -1) @ filters
    parts = parts.view(n, down, across, 2, 2, BLOCK, BLOCK)
    pixels = slope.new_zeros((n, down + 1, across + 1, BLOCK, BLOCK))
    for y, x in product(range(2), repeat=2):
        pixels[:, y : y + down, x : x + across] += parts[:, :, :, y, x]
    return pixels.transpose(2, 3).reshape(n, 1, height + BLOCK, width + BLOCK)
