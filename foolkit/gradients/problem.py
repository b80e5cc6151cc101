"""What every routine here is given: a network, images, and where they should end up."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Self

import torch
from torch import Tensor, nn

from foolkit.checks import check_images, check_labels, check_number
from foolkit.models.classifier import evaluating
from foolkit.models.door import checked

BATCH = 256  # images of one pass: enough to fill a processor, few enough to stay in its cache
ROUNDING = 1e-5  # of the largest logit: what another batch size may change, with room to spare


@dataclass(frozen=True)
class Problem:
    """Images ``[N, C, H, W]``, their labels ``[N]``, and the network to be fooled.

    ``labels`` are the true classes, to be left, or with ``targeted`` the goals, to be reached.
    ``mask`` (bool, of the images' shape, or None) is True where a pixel may change.
    """

    net: nn.Module
    images: Tensor
    labels: Tensor
    targeted: bool = False
    mask: Tensor | None = None

    @classmethod
    def checked(
        cls,
        net: nn.Module,
        images: Tensor,
        labels: Tensor,
        targeted: bool = False,
        mask: Tensor | None = None,
        argument: str = "labels",
    ) -> Self:
        """The problem, once everything about it has been checked (one image is classified).

        Raises:
            TypeError, ValueError: what ``check_images`` and ``check_labels`` raise; a network
                (see ``foolkit.models.door``), a mask or a device that does not fit.
            FloatingPointError: the network's answer is not finite.
        """
        if not isinstance(net, nn.Module):
            raise TypeError(f"net: expected a torch.nn.Module, got {type(net).__name__}")
        check_images(images, getattr(net, "input_shape", None))
        for tensor in islice(chain(net.parameters(), net.buffers()), 1):
            if tensor.device != images.device:
                raise ValueError(
                    f"images: expected them on {tensor.device}, where the network is,"
                    f" got {images.device}"
                )
        net = checked(net, images[:1])
        with torch.no_grad(), evaluating(net):
            logits = net(images[:1])
        check_labels(labels, len(images), logits.shape[1], argument)
        if mask is not None:
            if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
                came = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
                raise TypeError(
                    f"mask: expected a bool tensor, True where a pixel may change, got {came}"
                )
            try:
                mask = mask.to(images.device).expand_as(images)
            except RuntimeError:
                raise ValueError(
                    f"mask: expected a shape that broadcasts to {list(images.shape)},"
                    f" got {list(mask.shape)}"
                ) from None
        # tensors made in inference mode cannot take part in a gradient; a copy can
        with torch.inference_mode(False):
            labels = labels.to(images.device).long()
            images, labels = (
                tensor.clone() if tensor.is_inference() else tensor.detach()
                for tensor in (images, labels)
            )
        return cls(net, images, labels, bool(targeted), mask)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Tensor | slice) -> Self:
        return replace(
            self,
            images=self.images[index],
            labels=self.labels[index],
            mask=None if self.mask is None else self.mask[index],
        )

    def split(self, batch: int) -> Iterator[Self]:
        """The problem in parts of at most ``batch`` images."""
        return (self[start : start + batch] for start in range(0, len(self), batch))

    def bounds(self) -> tuple[Tensor, Tensor]:
        """The least and the greatest change of each pixel: the box [0, 1], nothing off the mask."""
        low, high = -self.images, 1 - self.images
        return (low, high) if self.mask is None else (low * self.mask, high * self.mask)

    def margin(self, logits: Tensor) -> Tensor:
        """``[N]``: by how much the best class that fools leads the best that does not.

        ``max_{k != label} Z_k - Z_label``, and the opposite when targeted.
        """
        own = logits.gather(1, self.labels[:, None])[:, 0]
        lead = logits.scatter(1, self.labels[:, None], -math.inf).amax(1) - own
        return -lead if self.targeted else lead

    def fooled(self, logits: Tensor) -> Tensor:
        """``[N]``: a positive margin, by more than rounding, so that a second look agrees."""
        return self.margin(logits) > ROUNDING * logits.abs().amax(1)


Objective = Callable[[Tensor], Tensor]  # logits [N, K] to one number an image, [N]


def gradient(net: nn.Module, images: Tensor, objective: Objective) -> tuple[Tensor, Tensor, Tensor]:
    """Logits ``[N, K]``, values ``[N]`` and their gradients with respect to the images.

    One forward and one backward pass. Only the images' gradient is asked for, so that no weight
    gradient is computed and no ``.grad`` is left behind.
    """
    with torch.enable_grad():
        images = images.detach().requires_grad_()
        logits = net(images)
        if not logits.requires_grad:
            raise ValueError("net: expected logits that can be differentiated by the images")
        values = objective(logits.float())
        (slope,) = torch.autograd.grad(values.sum(), images)
    if 0 in slope.stride():  # of a sum: one number for many pixels, which no caller can write to
        slope = slope.clone(memory_format=torch.contiguous_format)
    return logits.detach().float(), values.detach(), slope


@contextmanager
def attacking(net: nn.Module) -> Iterator[None]:
    """Evaluation mode, no gradients but those that ``gradient`` takes."""
    with torch.inference_mode(False), torch.no_grad(), evaluating(net):
        yield


def column(values: Tensor) -> Tensor:
    """``[N]`` as ``[N, 1, 1, 1]``."""
    return values.view(-1, 1, 1, 1)


def several(size: object) -> bool:
    """Whether sizes were given as a sequence, a NumPy array or a tensor, and not as a number."""
    return isinstance(size, Sequence) or getattr(size, "ndim", 0) > 0


def check_sizes(size: float | Sequence[float], argument: str) -> list[float]:
    """One size or several, as a list; each a finite number >= 0."""
    sizes = list(size) if several(size) else [size]  # type: ignore[arg-type]
    if not sizes:
        raise ValueError(f"{argument}: expected at least one number, got none")
    for value in sizes:
        check_number(value, argument, least=0)
    return [float(value) for value in sizes]


class Flat:
    """Counts the images whose gradient is exactly zero, and says so at the end.

    Where the softmax is saturated the cross-entropy's gradient underflows to zero in float32, and
    a routine that follows it stands still: the network looks robust and is not (Carlini and
    Wagner 2017, section on defensive distillation; Croce and Hein 2020).
    """

    def __init__(self) -> None:
        self.counts: list[Tensor] = []

    def look(self, slope: Tensor) -> None:
        """One gradient ``[N, C, H, W]``; the device is not waited for."""
        self.counts.append((slope == 0).flatten(1).all(1).sum())

    def warn(self, total: int, remedy: str) -> None:
        """A ``UserWarning`` if there were any."""
        count = int(torch.stack(self.counts).sum()) if self.counts else 0
        if count:
            warnings.warn(
                f"net: the gradient of {count} of {total} images is exactly zero, so nothing can be"
                f" learned from it: {remedy}",
                stacklevel=3,
            )
