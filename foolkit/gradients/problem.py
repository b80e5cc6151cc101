"""What every routine here is given: a network, images, and where they should end up."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Self, TypeVar

import torch
from torch import Tensor, nn

from foolkit.checks import (
    check_choice,
    check_count,
    check_flag,
    check_images,
    check_labels,
    check_module,
    check_number,
    is_real,
)
from foolkit.models.door import checked, evaluating, mean_answer

if TYPE_CHECKING:
    from typing_extensions import TypeIs  # in Python's own typing from 3.13

LARGEST = 1e30  # of a size, in float32
CHUNK = 256  # images of one pass: enough to fill a processor, few enough to stay in its cache
HIDDEN = (
    "the network rounds, or is saturated, or the gradient is hidden in another way; a network that"
    " is not attacked with success may still be fooled (blind asks for no gradient)"
)
Name = TypeVar("Name", bound=str)
ROUNDING = 1e-5  # of the largest logit: what another batch size may change, with room to spare


@dataclass(frozen=True)
class Problem:
    """Images ``[N, C, H, W]``, their labels ``[N]``, and the network to be fooled.

    ``labels`` are the true classes, to be left, or with ``targeted`` the goals, to be reached.
    ``mask`` (bool, of the images' shape, or None) is True where a pixel may change. The network
    tells ``classes`` apart.
    """

    net: nn.Module
    images: Tensor
    labels: Tensor
    classes: int
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
        check_module(net)
        check_flag(targeted, "targeted")
        check_images(images, getattr(net, "input_shape", None))
        for tensor in islice(chain(net.parameters(), net.buffers()), 1):
            if tensor.device != images.device:
                raise ValueError(
                    f"images: expected them on {tensor.device}, where the network is,"
                    f" got {images.device}"
                )
        net = checked(net, images[:1].detach())
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
        return cls(net, images, labels, logits.shape[1], targeted, mask)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Tensor | slice) -> Self:
        return replace(
            self,
            images=self.images[index],
            labels=self.labels[index],
            mask=None if self.mask is None else self.mask[index],
        )

    def split(self, chunk: int) -> Iterator[Self]:
        """The problem in parts of at most ``chunk`` images."""
        return (self[start : start + chunk] for start in range(0, len(self), chunk))

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


def gradient(
    net: Callable[[Tensor], Tensor], images: Tensor, objective: Objective
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits ``[N, K]``, values ``[N]`` and their gradients with respect to the images.

    One forward and one backward pass. Only the images' gradient is asked for, so that no weight
    gradient is computed and no ``.grad`` is left behind.
    """
    with torch.enable_grad():
        images = images.detach().requires_grad_()
        logits = net(images)
        values = objective(logits.float())
        slope = slope_of(values, images)
    if 0 in slope.stride():  # of a sum: one number for many pixels, which no caller can write to
        slope = slope.clone(memory_format=torch.contiguous_format)
    return logits.detach().float(), values.detach(), slope


Transform = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Views:
    """Expectation over transformation (Athalye et al. 2018): an image is many views of it.

    Attributes:
        transform: ``(images, generator) -> images``, differentiable; None: the image itself.
        samples: views of each step, over which probabilities and gradients are averaged.
        generator: of the views, drawn anew for each step.
    """

    transform: Transform | None
    samples: int
    generator: torch.Generator

    @classmethod
    def checked(cls, transform: Transform | None, samples: int, generator: torch.Generator) -> Self:
        """Raise ``TypeError`` or ``ValueError`` for no function, or no number of views."""
        check_count(samples, "samples")
        if transform is not None and not callable(transform):
            raise TypeError(f"transform: expected a function or None, got {transform!r}")
        return cls(transform, samples, generator)

    @property
    def passes(self) -> int:
        """Of the network, for a step."""
        return 1 if self.transform is None else self.samples

    def through(self, net: nn.Module) -> Callable[[Tensor], Tensor]:
        """The network as it sees the next view."""
        transform = self.transform
        if transform is None:
            return net
        return lambda images: net(transform(images, self.generator))

    def logits(self, net: nn.Module, images: Tensor) -> Tensor:
        """``[N, K]``, whose softmax is the mean over the views."""
        return _mean([self.through(net)(images).float() for _ in range(self.passes)])

    def gradient(
        self, net: nn.Module, images: Tensor, objective: Objective
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As ``gradient``, the values and gradients averaged over the views."""
        parts = [gradient(self.through(net), images, objective) for _ in range(self.passes)]
        logits, values, slopes = zip(*parts, strict=True)
        if len(parts) == 1:
            return parts[0]
        return _mean(logits), torch.stack(values).mean(0), torch.stack(slopes).mean(0)


def _mean(logits: Sequence[Tensor]) -> Tensor:
    """Logits whose softmax is the mean of theirs."""
    if len(logits) == 1:
        return logits[0]
    return mean_answer(torch.stack(list(logits)))


def slope_of(values: Tensor, images: Tensor, again: bool = False) -> Tensor:
    """The gradient of ``values`` ``[N]`` by the images; ``again``: another will be asked for.

    Raises:
        ValueError: the values do not hang on the images by anything that has a derivative.
    """
    slope = None
    if values.requires_grad:
        (slope,) = torch.autograd.grad(
            values, images, torch.ones_like(values), retain_graph=again, allow_unused=True
        )
    if slope is None:
        raise ValueError(
            "net: expected logits that can be differentiated by the images (is there a .detach(),"
            " a no_grad or a conversion to NumPy in it?)"
        )
    return slope


@contextmanager
def attacking(net: nn.Module) -> Iterator[None]:
    """Evaluation mode, no gradients but those that ``gradient`` takes."""
    with torch.inference_mode(False), torch.no_grad(), evaluating(net):
        yield


def column(values: Tensor) -> Tensor:
    """``[N]`` as ``[N, 1, 1, 1]``."""
    return values.view(-1, 1, 1, 1)


def several(size: float | Sequence[float]) -> TypeIs[Sequence[float]]:
    """Whether sizes were given as a sequence, a NumPy array or a tensor, and not as a number."""
    return isinstance(size, Sequence) or getattr(size, "ndim", 0) > 0


def check_sizes(size: float | Sequence[float], argument: str) -> list[float]:
    """One size or several, as a list; each a finite number >= 0."""
    sizes = list(size) if several(size) else [size]
    if not sizes:
        raise ValueError(f"{argument}: expected at least one number, got none")
    for value in sizes:
        check_number(value, argument, least=0)
        if value > LARGEST:
            raise ValueError(f"{argument}: expected a number up to {LARGEST:g}, got {value}")
    return [float(value) for value in sizes]


def norm_named(norm: object, known: Sequence[Name]) -> Name:
    """``"2"`` for 2, "L2" and "l2", ``"inf"`` for infinity and "Linf": one of ``known``.

    Raises:
        ValueError: none of them.
    """
    word = str(norm).lower().removeprefix("l")
    if word not in known and is_real(norm):
        with suppress(OverflowError):  # an integer beyond the real numbers
            word = {1.0: "1", 2.0: "2", math.inf: "inf"}.get(float(norm), word)
    check_choice(word, known, "norm")
    return next(name for name in known if name == word)


def check_within(epsilons: Sequence[float], argument: str = "epsilon") -> None:
    """Raise ``ValueError`` for a change of a pixel by more than 1, which is all there is."""
    for size in epsilons:
        if size > 1:
            raise ValueError(
                f"{argument}: expected at most 1, the whole range of a pixel, got {size:g}"
                " (8 of 255 levels are 8 / 255)"
            )


class Flat:
    """Counts the images whose gradient is exactly zero at the start, and says so at the end.

    Where the softmax is saturated the cross-entropy's gradient underflows to zero in float32, and
    a routine that follows it stands still: the network looks robust and is not (Carlini and
    Wagner 2017, section on defensive distillation; Croce and Hein 2020). So it does where a
    network rounds, or its units are saturated: one of the masked gradients of Athalye, Carlini
    and Wagner (2018, section 3).
    """

    def __init__(self) -> None:
        self.counts: list[Tensor] = []

    def look(self, slope: Tensor, fooled: Tensor) -> None:
        """One gradient ``[N, C, H, W]``, of images ``fooled`` or not; no device is waited for."""
        self.count((slope == 0).flatten(1).all(1) & ~fooled)

    def count(self, zero: Tensor) -> None:
        """bool ``[N]``: whose gradient is zero."""
        self.counts.append(zero.sum())

    def warn(self, total: int, remedy: str = HIDDEN) -> None:
        """A ``UserWarning`` if there were any."""
        count = int(torch.stack(self.counts).sum()) if self.counts else 0
        if count:
            warnings.warn(
                f"net: the gradient of {count} of {total} images is exactly zero, so nothing can be"
                f" learned from it: {remedy}",
                stacklevel=3,
            )
