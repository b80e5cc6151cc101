"""How the forward pass is run as fast as the machine allows, with float32 answers."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Precision = Literal["auto", "float32", "bfloat16"]
FINALISTS = 4


def device_of(net: nn.Module) -> torch.device:
    """Where the network's parameters (else its buffers) live; the CPU if it has none."""
    for tensor in (*net.parameters(), *net.buffers()):
        return tensor.device
    return torch.device("cpu")


def choose_precision(precision: Precision, device: torch.device) -> Literal["float32", "bfloat16"]:
    """``"auto"`` becomes ``"bfloat16"`` where the processor computes in it, else ``"float32"``."""
    if precision not in ("auto", "float32", "bfloat16"):
        raise ValueError(f"precision: expected 'auto', 'float32' or 'bfloat16', got {precision!r}")
    if precision != "auto":
        return precision
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        found = getattr(torch.cpu, "get_capabilities", dict)()
        native = found.get("avx512_bf16", False) or found.get("amx_bf16", False)
    else:
        native = False
    return "bfloat16" if native else "float32"


def judge(
    net: nn.Module, images: Tensor, precision: Literal["float32", "bfloat16"], classes: int
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
        ranks = screened.float().log_softmax(1).topk(FINALISTS, dim=0)
        finalists = ranks.indices.flatten()
        return net(images[finalists]).float().softmax(1), finalists
    return net(images).float().softmax(1), None
