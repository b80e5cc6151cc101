"""What a reader's answer is compared with, and how a difference is put into words.

The words say what kind of difference it is (a shape, a range, a sign, a factor of a hundred) and
how large it is to the next power of ten. They never say the right answer.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foolkit.checks import check_images
from foolkit.models import predict

PER_CENT = 100


@dataclass(frozen=True)
class Verdict:
    """What a check found; true where the answer is right. It shows itself in words.

    Attributes:
        right: whether the answer is.
        words: what was compared, or what differs.
    """

    right: bool
    words: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'✓ Right' if self.right else '✗ Not yet'}: {self.words}"


class NotYet(Exception):
    """An answer differs; says in which way."""


def number(mine: Any, right: float, within: float, what: str) -> None:
    """Raise ``NotYet`` unless a number is ``right``, give or take ``within``."""
    mine = given(mine, what)
    if isinstance(mine, Tensor) and mine.numel() != 1:
        raise NotYet(f"{what}: expected one number, got a tensor {list(mine.shape)}")
    if isinstance(mine, bool) or not isinstance(mine, (numbers.Real, Tensor)):
        raise NotYet(f"{what}: expected a number, got {type(mine).__name__}")
    mine, right = float(mine), float(right)
    if not math.isfinite(mine):
        raise NotYet(f"{what}: expected a finite number, got {mine}")
    gap = mine - right
    if abs(gap) <= within:
        return
    if abs(mine + right) <= within:
        raise NotYet(f"{what} has the wrong sign")
    if abs(mine / PER_CENT - right) <= within:
        raise NotYet(f"{what} is a hundred times too large: is it in per cent?")
    raise NotYet(f"{what} is too {'high' if gap > 0 else 'low'}, by {size(abs(gap))}")


def tensor(mine: Any, right: Tensor, within: float, what: str) -> None:
    """Raise ``NotYet`` unless a tensor is ``right`` in every place, give or take ``within``."""
    mine = given(mine, what)
    if not isinstance(mine, Tensor):
        raise NotYet(f"{what}: expected a tensor {list(right.shape)}, got {type(mine).__name__}")
    if mine.shape != right.shape:
        raise NotYet(f"{what}: expected the shape {list(right.shape)}, got {list(mine.shape)}")
    mine, right = mine.detach().double(), right.detach().double()
    if not bool(mine.isfinite().all()):
        raise NotYet(f"{what}: expected finite numbers, got NaN or infinity")
    gap = mine - right
    off = gap.abs() > within
    if not off.any():
        return
    if bool(((mine + right).abs() <= within).all()):
        raise NotYet(f"{what} has the wrong sign")
    side = "above and below"
    if bool((gap[off] > 0).all()) or bool((gap[off] < 0).all()):
        side = "above" if float(gap[off][0]) > 0 else "below"
    raise NotYet(
        f"{what} differs in {int(off.sum())} of {off.numel()} numbers: they lie {side} the right"
        f" ones, by {size(float(gap.abs().max()))} at most"
    )


def images(mine: Any, shape: Sequence[int], what: str) -> Tensor:
    """The reader's images, ``[N, C, H, W]`` in [0, 1]; raise ``NotYet`` where they are none.

    Args:
        mine: what the reader gave.
        shape: ``[N, C, H, W]`` that is expected.
        what: their name.
    """
    mine = given(mine, what)
    if isinstance(mine, Tensor) and mine.shape != torch.Size(shape):
        raise NotYet(f"{what}: expected the shape {list(shape)}, got {list(mine.shape)}")
    try:
        check_images(mine, argument=what)
    except (TypeError, ValueError) as error:
        raise NotYet(str(error)) from None
    return mine.detach()


def inside(mine: Tensor, originals: Tensor, epsilon: float, what: str) -> None:
    """Raise ``NotYet`` unless no pixel of an image is further than ``epsilon`` from before."""
    far = float((mine - originals).abs().max())
    if far > epsilon + 1e-6:
        raise NotYet(
            f"{what} leave the box: a pixel has moved by {far:.3g}, {epsilon:g} is allowed"
        )


def confident(net: nn.Module, mine: Tensor, classes: Tensor, least: float, what: str) -> None:
    """Raise ``NotYet`` unless the network gives every image its class with ``least`` or more."""
    sure = predict(net, mine).gather(1, classes[:, None])[:, 0]
    if bool((sure >= least).all()):
        return
    raise NotYet(
        f"{what}: {int((sure < least).sum())} of {len(sure)} below {least:.2%}, the lowest at"
        f" {float(sure.min()):.2%}"
    )


def given(mine: Any, what: str) -> Any:
    """What the reader gave, if it is anything."""
    if mine is ...:
        raise NotYet(f"{what}: put your own in place of the dots")
    if mine is None:
        raise NotYet(f"{what} is None: does your function return something?")
    return mine


def size(gap: float) -> str:
    """A difference, to the next power of ten."""
    return f"less than {10.0 ** math.ceil(math.log10(gap) + 1e-9):g}"
