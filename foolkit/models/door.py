"""The door to a network: whatever it takes and returns, float32 images in and float32 logits out.

Networks of one's own are in half or double precision, or answer with a tuple, a dictionary or an
object with ``.logits``. Where what is meant is beyond doubt it is taken; else the error says which
line mends it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

ADDS_TO_ONE = 1e-3  # how nearly, for an answer to count as probabilities
SAME = 1e-3  # of the largest logit: what two passes over one image may differ by

ONE_LOGIT = (
    "a network with one logit z an image has two classes: return torch.cat([-z, z], 1) / 2,"
    " whose softmax is that of z"
)


def dtype_of(net: nn.Module) -> torch.dtype | None:
    """The type of the network's floating-point weights; None if it has none."""
    for tensor in chain(net.parameters(), net.buffers()):
        if tensor.is_floating_point():
            return tensor.dtype
    return None


def logits_of(answer: Any) -> Tensor:
    """The logits, float32, in what a network returned.

    A tensor; ``.logits`` or ``["logits"]``; or the only tensor ``[N, K]`` of a tuple, list or
    dictionary.

    Raises:
        TypeError: none of these.
    """
    if isinstance(answer, Tensor):
        return answer.float()
    named = answer.get("logits") if isinstance(answer, Mapping) else None
    named = getattr(answer, "logits", named)
    if isinstance(named, Tensor):
        return named.float()
    parts = answer.values() if isinstance(answer, Mapping) else answer
    if isinstance(answer, (Mapping, tuple, list)):
        tables = [part for part in parts if isinstance(part, Tensor) and part.ndim == 2]
        if len(tables) == 1:
            return tables[0].float()
    raise TypeError(
        "net: expected logits [N, K], or an answer with one such tensor or with .logits, got"
        f" {type(answer).__name__}: wrap the network in a module whose forward returns its logits"
    )


def answer(net: nn.Module, images: Tensor) -> Tensor:
    """Float32 logits ``[N, K]`` of float32 images, whatever precision the network has."""
    return logits_of(net(images.to(dtype_of(net) or images.dtype)))


class Plain(nn.Module):
    """A network behind its door, with the name, shape and classes that it has."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        for name in ("name", "input_shape", "classes"):
            if hasattr(module, name):
                setattr(self, name, getattr(module, name))

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``, float32."""
        return answer(self.module, images)


def checked(net: nn.Module, images: Tensor) -> nn.Module:
    """The network as a routine may call it: itself, or ``Plain`` where that is needed.

    Looks at a few images twice, in evaluation mode.

    Args:
        net: any module.
        images: float32 ``[N, C, H, W]``, a few.

    Raises:
        TypeError: no module, or an answer without logits.
        ValueError: other logits than ``[N, K]``, K of at least two; a network that writes into
            its input, or answers the same images differently a second time.
        FloatingPointError: logits that are not finite.

    Warns:
        UserWarning: the answers look like probabilities, that is, the network ends in a softmax.
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"net: expected a torch.nn.Module, got {type(net).__name__}")
    given = images.clone()
    with torch.no_grad(), _evaluating(net):
        said = net(given.to(dtype_of(net) or given.dtype))
        logits = logits_of(said)
        if given.dtype == (dtype_of(net) or given.dtype) and not torch.equal(given, images):
            raise ValueError(
                "net: expected a network that leaves its input alone, this one writes into it:"
                " replace x.sub_(mean) and its like by x = x - mean"
            )
        if logits.ndim != 2 or len(logits) != len(images) or logits.shape[1] < 2:
            one = f"; {ONE_LOGIT}" if logits.numel() == len(images) else ""
            raise ValueError(
                f"net: expected logits [{len(images)}, K] of {len(images)} images, K >= 2,"
                f" got {list(logits.shape)}{one}"
            )
        if not logits.isfinite().all():
            raise FloatingPointError("net: expected finite logits, got NaN or infinity")
        again = answer(net, images.clone())
    if (again - logits).abs().max() > SAME * logits.abs().max().clamp_min(1):
        raise ValueError(
            "net: expected the same answer to the same images, a second pass differs by"
            f" {float((again - logits).abs().max()):.2g}: is there a dropout or noise that"
            " .eval() does not turn off?"
        )
    if (logits >= 0).all() and ((logits.sum(1) - 1).abs() < ADDS_TO_ONE).all():
        warnings.warn(
            "net: its answers are positive and add up to one, so they look like probabilities;"
            " logits are expected. Leave out the last softmax, or return its logarithm",
            stacklevel=4,
        )
    plain = isinstance(said, Tensor) and dtype_of(net) in (None, torch.float32)
    return net if plain else Plain(net)


@contextmanager
def _evaluating(net: nn.Module) -> Iterator[None]:
    from foolkit.models.classifier import evaluating  # which imports this module

    with evaluating(net):
        yield
