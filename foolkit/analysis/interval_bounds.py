"""Interval bound propagation: what a network can say at most, and at least, of a whole box.

Gowal et al. (2018): an interval of every pixel is carried through the layers as an interval of
every unit. The ends are never reached together, so the bounds are loose, but no image of the box
lies outside them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from foolkit.checks import (
    check_count,
    check_fraction,
    check_images,
    check_labels,
    check_module,
    check_tensor,
)
from foolkit.models.classifier import Classifier
from foolkit.models.door import answer, evaluating

RISING = (nn.ReLU, nn.Sigmoid, nn.Tanh, nn.MaxPool2d)  # of larger inputs, no smaller outputs
SAME = (nn.Flatten, nn.Identity, nn.Dropout)  # which drops nothing in evaluation mode


def interval_bounds(net: nn.Module, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Bounds of every logit of every image between ``low`` and ``high``.

    A linear layer maps the middle of the interval, and its radius with the sizes of the weights;
    a function that only rises maps both ends. Differentiable, so it can be trained through.

    Args:
        net: layers in a row: ``Linear``, ``Conv2d``, ``ReLU``, ``Sigmoid``, ``Tanh``,
            ``MaxPool2d``, ``Flatten``, ``Dropout``, rows of these, or a ``Classifier`` of them; in
            evaluation mode.
        low, high: the corners of the boxes, ``[N, C, H, W]``, ``low <= high``.

    Returns:
        lower and upper bounds, ``[N, K]``. Rounding is not bounded: they are exact up to the
        precision of float32.

    Raises:
        TypeError: a layer that is none of these.
    """
    _check_box(low, high)
    for layer in _layers(net):
        low, high = _through(layer, low, high)
    return low, high


def least_margins(net: nn.Module, low: Tensor, high: Tensor, labels: Tensor) -> Tensor:
    """Lower bounds of ``z_label - z_k`` in each box, ``[N, K]``; 0 at the label itself.

    The last linear layer is not bounded logit by logit: the difference of two logits is a linear
    function of what goes into it, whose bound is tighter (Gowal et al. call it elision).

    Args:
        net: as for ``interval_bounds``, with a ``Linear`` at the end.
        low, high: as for ``interval_bounds``.
        labels: int64 ``[N]``.

    Raises:
        TypeError: a layer that is not understood, or no linear one at the end.
    """
    *body, last = _layers(net)
    if not isinstance(last, nn.Linear):
        raise TypeError(f"net: expected a Linear layer at the end, got {type(last).__name__}")
    _check_box(low, high)
    check_labels(labels, len(low), last.out_features)
    for layer in body:
        low, high = _through(layer, low, high)
    middle, radius = (low + high) / 2, (high - low) / 2
    weights = last.weight[labels][:, None] - last.weight  # [N, K, F]
    at_middle = torch.einsum("nkf,nf->nk", weights, middle)
    if last.bias is not None:
        at_middle = at_middle + last.bias[labels][:, None] - last.bias
    return at_middle - torch.einsum("nkf,nf->nk", weights.abs(), radius)


def certified_in_box(
    net: nn.Module, images: Tensor, labels: Tensor, epsilon: float, *, chunk: int = 500
) -> Tensor:
    """Of which images it is proved that no change of a pixel by ``epsilon`` changes the answer.

    The box is cut to [0, 1], where images live.

    Args:
        net: as for ``least_margins``.
        images: float32 ``[N, C, H, W]`` in [0, 1].
        labels: int64 ``[N]``, the answer that is to be proved; as a rule the true one.
        epsilon: largest change of a pixel, in [0, 1].
        chunk: images of one pass.

    Returns:
        bool ``[N]``. False says that no proof was found, not that an attack exists.

    Raises:
        TypeError, ValueError: an argument that does not fit, a layer that is not understood.
    """
    check_module(net)
    check_images(images, getattr(net, "input_shape", None))
    check_fraction(epsilon, "epsilon")
    chunk = check_count(chunk, "chunk")
    last = _layers(net)[-1]
    classes = getattr(last, "out_features", None)
    if classes is None:
        raise TypeError(f"net: expected a Linear layer at the end, got {type(last).__name__}")
    check_labels(labels, len(images), classes)
    with torch.inference_mode(), evaluating(net):
        answer(net, images[:1])  # an image that the network does not take is refused
    found = []
    with torch.inference_mode(), evaluating(net):
        for part, own in zip(images.split(chunk), labels.split(chunk), strict=True):
            low, high = (part - epsilon).clamp(0, 1), (part + epsilon).clamp(0, 1)
            margins = least_margins(net, low, high, own)
            others = margins.scatter(1, own[:, None], torch.inf)
            found.append((others > 0).all(1))
    return torch.cat(found)


def _check_box(low: Tensor, high: Tensor) -> None:
    """No check of the values: bounds are trained through."""
    for name, corner in (("low", low), ("high", high)):
        check_tensor(corner, name, floating=True)
    if high.shape != low.shape or high.dtype != low.dtype or high.device != low.device:
        raise ValueError(
            f"high: expected {low.dtype} {list(low.shape)} on {low.device}, as low is,"
            f" got {high.dtype} {list(high.shape)} on {high.device}"
        )


def _layers(net: nn.Module) -> list[nn.Module]:
    """The layers in their order, rows of layers taken apart."""
    if isinstance(net, Classifier):
        return _layers(net.module)
    if isinstance(net, nn.Sequential):
        return [layer for part in net for layer in _layers(part)]
    if isinstance(net, (nn.Linear, nn.Conv2d, *RISING, *SAME)):
        return [net]
    raise TypeError(
        "net: expected layers in a row (Linear, Conv2d, ReLU, Sigmoid, Tanh, MaxPool2d, Flatten,"
        f" Dropout), got {type(net).__name__}"
    )


def _through(layer: nn.Module, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    try:
        return _mapped(layer, low, high)
    except RuntimeError as error:
        raise ValueError(
            f"low: expected such as {layer} takes, which of {list(low.shape)} says: {error}"
        ) from error


def _mapped(layer: nn.Module, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    if isinstance(layer, nn.Linear | nn.Conv2d):
        middle, radius = layer((low + high) / 2), (high - low) / 2
        size = layer.weight.abs()
        if isinstance(layer, nn.Linear):
            radius = linear(radius, size)
        else:
            if layer.padding_mode != "zeros":
                raise TypeError(f"net: expected padding by zeros, got {layer.padding_mode!r}")
            radius = conv2d(
                radius, size, None, layer.stride, layer.padding, layer.dilation, layer.groups
            )
        return middle - radius, middle + radius
    return layer(low), layer(high)
