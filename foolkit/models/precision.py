"""How the forward pass is run as fast as the machine allows, with float32 answers."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from foolkit.checks import check_choice

Precision = Literal["float32", "bfloat16"]
Network = TypeVar("Network", bound=nn.Module)
FINALISTS = 4  # of each class, that the screen hands on


def device_of(net: nn.Module) -> torch.device:
    """Where the network's parameters (else its buffers) live; the CPU if it has none."""
    for tensor in (*net.parameters(), *net.buffers()):
        return tensor.device
    return torch.device("cpu")


def channels_last(net: Network, device: torch.device | str | None = None) -> Network:
    """The network itself, its weights in the order in which a CPU convolves twice as fast."""
    how: Any = {"device": device, "memory_format": torch.channels_last}  # not in PyTorch's types
    return net.to(**how)


def check_precision(precision: str) -> None:
    """Raise ``ValueError`` unless ``precision`` is ``"float32"`` or ``"bfloat16"``."""
    check_choice(precision, ("float32", "bfloat16"), "precision")


def confidences(
    net: nn.Module, images: Tensor, precision: Precision, classes: int
) -> tuple[Tensor, Tensor | None]:
    """Float32 confidences of the images that can matter to a search for the best of each class.

    In ``"float32"`` every image is judged: confidences ``[N, K]`` and None.

    In ``"bfloat16"`` all images are screened in bfloat16, then the ``FINALISTS`` best of each
    class are judged by the float32 network: confidences ``[F, K]`` with the places ``[F]`` of
    those images, ``F = min(FINALISTS, N) * K`` (an image that is a finalist of two classes stands
    there twice). No confidence that leaves this function was computed in bfloat16; what the
    screen can cost is that the best image of a generation was fifth on it.
    With at least N / FINALISTS classes, K = ``classes``, a screen saves nothing: there is none,
    and every image is judged.
    """
    if precision == "bfloat16" and classes * FINALISTS < len(images):
        with torch.autocast(images.device.type, torch.bfloat16):
            screened = net(images)
        # logarithms: near certainty the confidences themselves all round to 1
        ranks = screened.float().log_softmax(1).nan_to_num(nan=-torch.inf).topk(FINALISTS, dim=0)
        finalists = ranks.indices.flatten()
        return net(images[finalists]).float().softmax(1), finalists
    return net(images).float().softmax(1), None
