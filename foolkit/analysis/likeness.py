"""How much an image looks like the digits: correlation with class means, power spectrum."""

from __future__ import annotations

import torch
from torch import Tensor

from foolkit.checks import (
    MOST_CLASSES,
    check_count,
    check_images,
    check_labels,
    check_no_nan,
    check_shape,
    check_tensor,
)


def class_means(images: Tensor, labels: Tensor, classes: int = 10) -> Tensor:
    """The mean image of each class, ``[K, C, H, W]``, of ``images`` ``[N, C, H, W]`` in [0, 1].

    Raises:
        ValueError: a class without an image.
    """
    check_images(images)
    check_count(classes, "classes", most=MOST_CLASSES)
    check_labels(labels, len(images), classes)
    counts = labels.bincount(minlength=classes)
    if int(counts.min()) == 0:
        raise ValueError(f"labels: expected every class, got none of {int(counts.argmin())}")
    sums = images.new_zeros((classes, *images.shape[1:])).index_add_(0, labels, images)
    return sums / counts.view(-1, 1, 1, 1)


def pixel_correlation(images: Tensor, templates: Tensor) -> Tensor:
    """Pearson correlation of the pixels of every image with every template, ``[N, K]``.

    Args:
        images: ``[N, C, H, W]``.
        templates: ``[K, C, H, W]``, for example ``class_means``.

    Raises:
        TypeError, ValueError: no tensors of images; NaN.
    """
    for argument, stack in (("images", images), ("templates", templates)):
        check_tensor(stack, argument, 4, floating=True)
        check_shape(stack, images.shape[1:], argument)
        if stack.dtype != images.dtype:
            raise TypeError(f"{argument}: expected {images.dtype}, as images, got {stack.dtype}")
        check_no_nan(stack, argument)

    def standardised(stack: Tensor) -> Tensor:
        flat = stack.flatten(1) - stack.flatten(1).mean(1, keepdim=True)
        return flat / flat.norm(dim=1, keepdim=True).clamp_min(1e-12)

    return standardised(images) @ standardised(templates).T


def power_spectrum(images: Tensor) -> Tensor:
    """Mean power at each spatial frequency, ``[H // 2]``: cycles 1, 2, ... across the image.

    The mean is taken off each image first, and powers are divided by their sum over all
    frequencies: white noise is flat, digits have almost all of theirs in the first few cycles.

    Args:
        images: square, ``[N, C, H, H]``.
    """
    check_images(images)
    size = images.shape[-1]
    if images.shape[-2] != size:
        raise ValueError(f"images: expected squares, got {list(images.shape)}")
    power = torch.fft.fft2(images - images.mean((2, 3), keepdim=True)).abs().square().mean((0, 1))
    cycles = torch.fft.fftfreq(size, 1 / size, device=images.device)
    ring = (cycles[:, None].square() + cycles.square()).sqrt().round().long()
    total = torch.zeros(int(ring.max()) + 1, device=images.device)
    total.index_add_(0, ring.flatten(), power.flatten())
    mean = total / ring.flatten().bincount()
    return (mean / power.sum())[1 : size // 2 + 1]
