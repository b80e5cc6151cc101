"""Several crops of one image, and the mean of what a network says of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from foolkit.checks import MOST_VALUES, check_count
from foolkit.models.classifier import Classifier, check_classifier
from foolkit.models.door import mean_answer


def cut(images: Tensor, height: int, width: int, crops: int) -> Tensor:
    """Crops ``[crops, N, C, height, width]`` of ``images`` ``[N, C, H, W]``.

    Ten: the four corners, the centre, and the mirror image of each. One: the centre. Where a
    margin is odd the centre is nearer to the top and left, and its mirror image is of the same
    pixels, as in Caffe; torchvision's ``ten_crop`` mirrors before it cuts, and its tenth crop is
    then a pixel off.
    """
    bottom, right = images.shape[2] - height, images.shape[3] - width
    centre = (bottom // 2, right // 2)
    corners = [(0, 0), (0, right), (bottom, 0), (bottom, right)]
    places = [centre] if crops == 1 else [*corners, centre]
    seen = torch.stack([images[..., y : y + height, x : x + width] for y, x in places])
    return seen if crops == 1 else torch.cat([seen, seen.flip(-1)])


class Cropped(nn.Module):
    """The logarithm of the mean probability over crops: its softmax is that mean.

    The crops are folded into the batch, and pass through the network at most ``chunk`` at a time.
    Where a gradient is wanted, what the network computed of a part is forgotten and computed
    again on the way back: a third more time, and memory that does not grow with the number of
    images.

    Args:
        module: from images ``[N, C, height, width]`` to logits.
        height, width: of a crop.
        crops: 10 or 1.
        chunk: crops at a time; at least ``crops``.
    """

    def __init__(self, module: nn.Module, height: int, width: int, crops: int, chunk: int) -> None:
        super().__init__()
        self.module = module
        self.height, self.width, self.crops, self.chunk = height, width, crops, chunk

    def forward(self, images: Tensor) -> Tensor:
        """Logarithms of mean probabilities, float32 ``[N, K]``."""
        parts = images.split(self.chunk // self.crops)
        again = len(parts) > 1 and torch.is_grad_enabled() and images.requires_grad
        means = [
            checkpoint(self._mean, part, use_reentrant=False) if again else self._mean(part)
            for part in parts
        ]
        return torch.cat(means)

    def _mean(self, images: Tensor) -> Tensor:
        seen = cut(images, self.height, self.width, self.crops)
        said = self.module(seen.flatten(0, 1)).float()
        return mean_answer(said.unflatten(0, seen.shape[:2]))


def cropped(net: Classifier, size: int = 256, crops: int = 10, chunk: int = 100) -> Classifier:
    """The same network for larger images, of which it judges crops.

    Ten crops are how networks of ImageNet were tested, and how the fooling images of Nguyen,
    Yosinski and Clune (2015) were judged: their program cuts four corners and the centre out of
    256 x 256 pixels, with the mirror image of each, as Caffe's ``oversample`` does, and takes the
    mean of the ten softmax outputs. An image must then fool the network wherever it looks, and
    an evaluation costs ten passes::

        net = fk.models.cropped(fk.models.load("torchvision:alexnet"))
        elites = fk.evolve(net, fk.encodings.CPPN(net.input_shape), batch=50)

    Args:
        net: of images ``[N, C, height, width]``.
        size: height and width of the larger images.
        crops: 10 (corners, centre, and their mirror images) or 1 (the centre).
        chunk: crops that the network sees at a time, which bounds the memory.

    Returns:
        A classifier of images ``[N, C, size, size]`` in [0, 1], whose softmax is the mean over
        the crops of the network's.

    Raises:
        TypeError: no ``Classifier``; a number that is no integer.
        ValueError: images smaller than a crop; other numbers of crops; a chunk that does not
            hold the crops of one image.
    """
    check_classifier(net)
    channels, height, width = net.input_shape
    size = check_count(size, "size", most=math.isqrt(MOST_VALUES // channels))
    check_count(crops, "crops")
    if size < max(height, width):
        raise ValueError(
            f"size: expected at least {max(height, width)}, as {net.name!r} takes"
            f" {height} x {width} pixels, got {size}"
        )
    if crops not in (1, 10):
        raise ValueError(f"crops: expected 10 or 1, got {crops}")
    chunk = check_count(chunk, "chunk", minimum=crops)
    return Classifier(
        Cropped(net.module, height, width, crops, chunk),
        input_shape=(channels, size, size),
        classes=net.classes,
        name=f"{net.name}, {'10 crops' if crops == 10 else 'the centre'} of {size}",
    ).eval()
