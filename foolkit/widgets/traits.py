"""Traits of the widgets: bytes of images, and numbers with clear errors."""

from __future__ import annotations

from typing import Any

import torch
import traitlets
from torch import Tensor

from foolkit.checks import check_count, check_flag, check_images, check_text
from foolkit.files import as_bytes

PIXELS = 28 * 28
LAST_SEED = 999_999


class Images(traitlets.Bytes):
    """8-bit grey images of 28x28 in a row: given as a tensor or as bytes, kept as bytes.

    A tensor is float32 ``[N, 1, 28, 28]`` in [0, 1] and is rounded to 8 bits.

    Args:
        count: how many images; None: any number, none included.
    """

    def __init__(self, default: bytes, *, count: int | None, **metadata: Any) -> None:
        super().__init__(default, **metadata)
        self.count = count
        # the page sends a view of memory
        self.tag(sync=True, from_json=lambda value, _: bytes(value))

    def validate(self, widget: Any, value: Any) -> bytes:
        """The bytes, or ``TypeError`` or ``ValueError`` naming this trait."""
        if isinstance(value, Tensor):
            check_images(value, (1, 28, 28), str(self.name))
            value = as_bytes(value.detach().cpu()).numpy().tobytes()
        if not isinstance(value, bytes):
            raise TypeError(
                f"{self.name}: expected a tensor of images or bytes, got {type(value).__name__}"
            )
        number, rest = divmod(len(value), PIXELS)
        if rest or (self.count is not None and number != self.count):
            expected = "whole images" if self.count is None else f"{self.count} image(s)"
            raise ValueError(
                f"{self.name}: expected {expected} of {PIXELS} pixels, got {len(value)} bytes"
            )
        return value


class Whole(traitlets.TraitType[int, int]):
    """A whole number in ``low .. high``."""

    def __init__(self, default: int, low: int, high: int) -> None:
        super().__init__(default)
        self.low, self.high = low, high
        self.tag(sync=True)

    def validate(self, widget: Any, value: Any) -> int:
        """The number, or ``TypeError`` or ``ValueError`` naming this trait."""
        return check_whole(value, self.low, self.high, str(self.name))


class Number(traitlets.TraitType[float, float]):
    """A number in [low, high]."""

    def __init__(self, default: float, low: float, high: float) -> None:
        super().__init__(default)
        self.low, self.high = low, high
        self.tag(sync=True)

    def validate(self, widget: Any, value: Any) -> float:
        """The number as a float, or ``TypeError`` or ``ValueError`` naming this trait."""
        return check_number(value, self.low, self.high, str(self.name))


class Flag(traitlets.TraitType[bool, bool]):
    """True or False."""

    def __init__(self) -> None:
        super().__init__(False)
        self.tag(sync=True)

    def validate(self, widget: Any, value: Any) -> bool:
        """The value, or ``TypeError`` naming this trait."""
        check_flag(value, str(self.name))
        return value


class Line(traitlets.TraitType[str, str]):
    """A text, empty by default."""

    def __init__(self) -> None:
        super().__init__("")
        self.tag(sync=True)

    def validate(self, widget: Any, value: Any) -> str:
        """The text, or ``TypeError`` naming this trait."""
        check_text(value, str(self.name))
        return value


def to_tensor(content: bytes) -> Tensor:
    """Bytes of 8-bit images to float32 ``[N, 1, 28, 28]`` in [0, 1]."""
    pixels = torch.frombuffer(bytearray(content), dtype=torch.uint8) if content else torch.empty(0)
    return pixels.view(-1, 1, 28, 28).float().div(255)


def check_number(value: float, low: float, high: float, argument: str) -> float:
    """The number, or an error unless it lies in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{argument}: expected a number from {low} to {high}, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{argument}: expected a number from {low} to {high}, got {value}")
    return float(value)


def check_whole(value: int, low: int, high: int, argument: str) -> int:
    """The whole number, or an error unless it lies in ``low .. high``."""
    return check_count(value, argument, low, high)
