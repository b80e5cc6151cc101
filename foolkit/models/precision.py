"""How the forward pass is run as fast as the machine allows, with float32 answers."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from foolkit.checks import check_choice

Precision = Literal["float32", "bfloat16"]
Network = TypeVar("Network", bound=nn.Module)
FINALISTS = 4  # of each class, at most, that the screen hands on
SLACK = 1.0  # in log-odds; of 20,000 formulas on SqueezeNet the screen put no winner .3 too low


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
    net: nn.Module, images: Tensor, precision: Precision, elites: Tensor
) -> tuple[Tensor, Tensor | None]:
    """Float32 confidences of the images that can matter to a search for the best of each class.

    In ``"float32"`` every image is judged: confidences ``[N, K]`` and None.

    In ``"bfloat16"`` all images are screened in bfloat16. The float32 network then judges those
    that may beat an elite: they are among the ``FINALISTS`` best of a class and, in log-odds, no
    more than ``SLACK`` below its elite. Confidences ``[F, K]`` with the places ``[F]`` of those
    images; F may be 0. No confidence that leaves this function was computed in bfloat16; what
    the screen can cost is an image that it put fifth, or too low by more than the slack.

    Args:
        net: from images ``[N, C, H, W]`` in [0, 1] to logits ``[N, K]``.
        images: the children of a generation.
        precision: of the first look at them.
        elites: float32 ``[K]``, confidence of each class's elite.
    """
    if precision == "bfloat16":
        with torch.autocast(images.device.type, torch.bfloat16):
            screened = net(images)
        rough = log_odds(screened.float().log_softmax(1)).nan_to_num(nan=-torch.inf)
        best = rough.topk(min(FINALISTS, len(images)), dim=0)  # [F, K], of each class
        finalists = best.indices[best.values > log_odds(elites.log()) - SLACK].unique()
        if len(finalists) == 0:
            return images.new_empty(0, len(elites)), finalists
        return net(images[finalists]).float().softmax(1), finalists
    return net(images).float().softmax(1), None


def log_odds(logarithms: Tensor) -> Tensor:
    """Of probabilities, given by their logarithms: near certainty they tell apart what rounds to 1.

    Infinite where the probability is 0 or 1.
    """
    return logarithms - torch.log(-torch.expm1(logarithms))
