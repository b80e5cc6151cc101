"""Errors for bad input, raised before any work is done.

Every message names the argument, what came, and what is expected.
"""

from __future__ import annotations

import math
import numbers
import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, SupportsIndex, TypeGuard

import torch
from torch import Tensor, nn

MOST = 2**48  # of a count: beyond any that could be worked off
MOST_DRAWS = 10**6  # of resamples and the like: hours, and no number changes any more
MOST_PICTURES = 10**8  # that are drawn at once
MOST_CLASSES = 2**20  # of a network
MOST_VALUES = 2**34  # of what is held in memory at once: 64 GiB of float32
LARGEST_INTEGER = 2**63 - 1  # that PyTorch takes for a number
TOLERANCE = 1e-6  # rounding of float32 arithmetic that should have stayed in [0, 1]


def check_images(
    images: Tensor, input_shape: Sequence[int] | None = None, argument: str = "images"
) -> None:
    """Raise unless ``images`` is a float32 tensor ``[N, C, H, W]`` of finite values in [0, 1].

    Reads the values once (on a GPU this waits for the device): routines call it at their
    entrance, never inside a loop.

    Raises:
        TypeError: not a tensor, or not float32.
        ValueError: wrong shape, empty, NaN or infinite, or out of range.
    """
    expected = "[N, C, H, W]" if input_shape is None else f"[N, {', '.join(map(str, input_shape))}]"
    if not isinstance(images, Tensor):
        raise TypeError(
            f"{argument}: expected a torch.Tensor {expected}, got {type(images).__name__}"
        )
    check_dense(images, argument)
    if images.dtype != torch.float32:
        raise TypeError(
            f"{argument}: expected float32 values in [0, 1], got {images.dtype}"
            " (8-bit images: divide by 255)"
        )
    check_shape(images, input_shape, argument)
    if len(images) == 0:
        raise ValueError(f"{argument}: expected at least one image, got none")
    low, high = (float(v) for v in torch.aminmax(images.detach()))
    if not (low >= -TOLERANCE and high <= 1 + TOLERANCE):  # false for NaN too
        if low != low or high != high:
            raise ValueError(f"{argument}: expected finite values in [0, 1], got NaN")
        raise ValueError(
            f"{argument}: expected values in [0, 1], got {low:.4g} to {high:.4g}"
            " (scaling and normalisation belong inside the network)"
        )


def check_dense(tensor: Tensor, argument: str) -> None:
    """Raise ``TypeError`` for a tensor that is sparse, quantised, or without content (meta)."""
    odd = "a quantised tensor" if tensor.is_quantized else "a tensor without content"
    if tensor.layout != torch.strided:
        odd = f"a {str(tensor.layout).removeprefix('torch.')} tensor"
    if odd != "a tensor without content" or tensor.is_meta:
        raise TypeError(f"{argument}: expected a dense tensor of numbers, got {odd}")


def check_kind(value: object, kind: type, argument: str) -> None:
    """Raise ``TypeError`` unless ``value`` is of this class."""
    if not isinstance(value, kind):
        raise TypeError(f"{argument}: expected {kind.__name__}, got {type(value).__name__}")


def check_module(net: nn.Module, argument: str = "net") -> None:
    """Raise ``TypeError`` unless ``net`` is a module of PyTorch."""
    if not isinstance(net, nn.Module):
        raise TypeError(f"{argument}: expected a torch.nn.Module, got {type(net).__name__}")


def check_callback(callback: object) -> None:
    """Raise ``TypeError`` unless ``callback`` is a function or None."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback: expected a function or None, got {callback!r}")


def image_shape(shape: Sequence[int], argument: str = "shape") -> tuple[int, int, int]:
    """``(channels, height, width)`` as integers of Python.

    Raises:
        TypeError: no sequence of integers.
        ValueError: not three of at least 1, or an image that no memory holds.
    """
    expected = f"{argument}: expected (channels, height, width)"
    if isinstance(shape, str) or not is_sequence(shape):
        raise TypeError(f"{expected}, got {shape!r}")
    sizes = tuple(shape)
    if len(sizes) != 3:
        raise ValueError(f"{expected}, got {sizes}")
    for size in sizes:
        check_count(size, argument)
    channels, height, width = map(operator.index, sizes)
    if channels * height * width > MOST_VALUES:
        raise ValueError(f"{expected} of at most {MOST_VALUES} values, got {sizes}")
    return channels, height, width


def sizes_of(shape: Sequence[int], argument: str = "shape") -> tuple[int, ...]:
    """The sizes of a tensor of any number of dimensions, as integers of Python.

    Raises:
        TypeError: no sequence of integers.
        ValueError: a size below 1, or more than any memory holds.
    """
    if isinstance(shape, str) or not is_sequence(shape):
        raise TypeError(f"{argument}: expected a sequence of sizes, got {shape!r}")
    sizes = tuple(check_count(size, argument) for size in shape)
    if math.prod(sizes) > MOST_VALUES:
        raise ValueError(f"{argument}: expected at most {MOST_VALUES} values, got {sizes}")
    return sizes


def check_shape(
    images: Tensor, input_shape: Sequence[int] | None, argument: str = "images"
) -> None:
    """Raise ``ValueError`` unless images are ``[N, *input_shape]`` (None: any ``[N, C, H, W]``)."""
    if images.ndim != 4 or (
        input_shape is not None and tuple(images.shape[1:]) != tuple(input_shape)
    ):
        expected = (
            "[N, C, H, W]" if input_shape is None else f"[N, {', '.join(map(str, input_shape))}]"
        )
        raise ValueError(f"{argument}: expected shape {expected}, got {list(images.shape)}")
    if 0 in images.shape[1:]:
        raise ValueError(f"{argument}: expected images of pixels, got {list(images.shape)}")


def check_tensor(
    tensor: Tensor, argument: str, dimensions: int | None = None, *, floating: bool = False
) -> None:
    """Raise unless it is a dense, real tensor of numbers that is not empty.

    Args:
        tensor: what came.
        argument: its name.
        dimensions: how many it has; None: any number of at least one.
        floating: only real numbers will do, no integers.

    Raises:
        TypeError: no tensor, or one of another kind of numbers.
        ValueError: of another number of dimensions, or empty.
    """
    wanted = "real numbers" if floating else "numbers"
    if not isinstance(tensor, Tensor):
        came = type(tensor).__name__
        raise TypeError(f"{argument}: expected a torch.Tensor of {wanted}, got {came}")
    check_dense(tensor, argument)
    if tensor.is_complex() or (floating and not tensor.is_floating_point()):
        raise TypeError(f"{argument}: expected a tensor of {wanted}, got {tensor.dtype}")
    if tensor.numel() == 0 or tensor.ndim != (dimensions or max(1, tensor.ndim)):
        many = "any shape" if dimensions is None else f"{dimensions} dimensions"
        raise ValueError(
            f"{argument}: expected at least one number, in {many}, got {list(tensor.shape)}"
        )


def check_numbers(
    values: Iterable[float], argument: str, least: float = -math.inf, most: float = math.inf
) -> tuple[float, ...]:
    """Finite numbers ``>= least`` and ``<= most``, at least one, as Python's.

    Raises:
        TypeError: no sequence, or something in it that is no number.
        ValueError: none, or one out of range.
    """
    if isinstance(values, str | bytes | dict) or not is_sequence(values):
        raise TypeError(f"{argument}: expected a sequence of numbers, got {values!r}")
    numbers = tuple(values)
    if not numbers:
        raise ValueError(f"{argument}: expected at least one number, got none")
    for number in numbers:
        if (least, most) == (0, 1):
            check_fraction(number, argument)
        else:
            check_number(number, argument, least=least, most=most)
    return tuple(float(number) for number in numbers)


def path_of(path: str | Path, argument: str) -> Path:
    """The path of a file or a folder.

    Raises:
        TypeError: no path.
        ValueError: an empty one.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{argument}: expected a path, got {path!r}")
    if not os.fspath(path):
        raise ValueError(f"{argument}: expected a path, got none")
    return Path(path)


def device_named(device: torch.device | str) -> torch.device:
    """The device.

    Raises:
        TypeError: no word and no device.
        ValueError: no device of PyTorch has this name.
    """
    if not isinstance(device, str | torch.device):
        raise TypeError(f"device: expected such as 'cpu' or 'cuda:1', got {device!r}")
    try:
        named = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device: expected such as 'cpu' or 'cuda:1', got {device!r}") from error
    if named.type == "meta":
        raise ValueError("device: expected one that holds numbers, got 'meta'")
    return named


def check_names(names: Iterable[str], argument: str) -> tuple[str, ...]:
    """Words, at least one.

    Raises:
        TypeError: no sequence of words.
        ValueError: none.
    """
    if isinstance(names, str) or not is_sequence(names):
        raise TypeError(f"{argument}: expected a sequence of names, got {names!r}")
    words = tuple(names)
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"{argument}: expected a sequence of names, got {word!r} in it")
    if not words:
        raise ValueError(f"{argument}: expected at least one name, got none")
    return words


def check_mapping(values: Mapping[Any, Any], of: str, argument: str) -> None:
    """Raise unless it is a mapping from names to something.

    Raises:
        TypeError: no mapping.
        ValueError: an empty one.
    """
    expected = f"{argument}: expected a mapping from names to {of}"
    if not isinstance(values, Mapping):
        raise TypeError(f"{expected}, got {type(values).__name__}")
    if not len(values):
        raise ValueError(f"{expected}, got none")


def is_sequence(values: object) -> bool:
    """Whether it can be gone through: NumPy's and torch's numbers without dimensions cannot."""
    return isinstance(values, Iterable) and getattr(values, "ndim", 1) > 0


def check_no_nan(values: Tensor, argument: str) -> None:
    """Raise ``ValueError`` if a value is NaN, which is neither more nor less than any other."""
    if bool(values.isnan().any()):
        raise ValueError(f"{argument}: expected numbers, got NaN")


def check_labels(labels: Tensor, n: int, k: int = MOST_CLASSES, argument: str = "labels") -> None:
    """Raise unless ``labels`` is an integer tensor ``[n]`` of classes ``0 .. k-1``.

    Raises:
        TypeError: not an integer tensor.
        ValueError: wrong length, or a label outside the classes.
    """
    if not isinstance(labels, Tensor) or labels.dtype not in (torch.int64, torch.int32):
        came = labels.dtype if isinstance(labels, Tensor) else type(labels).__name__
        raise TypeError(f"{argument}: expected an int64 tensor of {n} classes, got {came}")
    check_dense(labels, argument)
    if tuple(labels.shape) != (n,):
        raise ValueError(
            f"{argument}: expected shape [{n}] (one class an image), got {list(labels.shape)}"
        )
    low, high = (int(v) for v in torch.aminmax(labels))
    if low < 0 or high >= k:
        raise ValueError(f"{argument}: expected classes 0 to {k - 1}, got {low} to {high}")


def check_count(value: SupportsIndex, argument: str, minimum: int = 1, most: int = MOST) -> int:
    """The integer, of NumPy or torch too, as Python's.

    Raises:
        TypeError: no integer.
        ValueError: not in ``minimum`` ... ``most``.
    """
    truth = getattr(value, "dtype", None) in (torch.bool, bool)  # whose index is 0 or 1
    try:
        number = None if truth or isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise TypeError(f"{argument}: expected an integer of at least {minimum}, got {value!r}")
    if number < minimum:
        raise ValueError(f"{argument}: expected an integer of at least {minimum}, got {value}")
    if number > most:
        raise ValueError(f"{argument}: expected an integer of at most {most}, got {value}")
    return number


def is_real(value: object) -> TypeGuard[float]:
    """Whether it is a real number: Python's, NumPy's, or a torch tensor without dimensions."""
    if isinstance(value, Tensor):
        return value.ndim == 0 and value.dtype != torch.bool and not value.is_complex()
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_flag(value: bool, argument: str) -> None:
    """Raise ``TypeError`` unless ``value`` is True or False: of "no", too, the truth is True."""
    if not isinstance(value, bool):
        raise TypeError(f"{argument}: expected True or False, got {value!r}")


def check_text(value: str, argument: str) -> None:
    """Raise ``TypeError`` unless ``value`` is a text."""
    if not isinstance(value, str):
        raise TypeError(f"{argument}: expected a text, got {value!r}")


def check_format(form: str, value: float, argument: str) -> None:
    """Raise unless Python can write the number ``value`` in this format.

    Raises:
        TypeError: no text.
        ValueError: no format of a number.
    """
    check_text(form, argument)
    try:
        format(float(value), form)
    except ValueError as error:
        raise ValueError(
            f"{argument}: expected a format of numbers such as '.1%', got {form!r}"
        ) from error


def check_fraction(value: float, argument: str) -> None:
    """Raise unless ``value`` is a number in [0, 1]."""
    if not is_real(value):
        raise TypeError(f"{argument}: expected a number in [0, 1], got {value!r}")
    if not 0 <= value <= 1:
        raise ValueError(f"{argument}: expected a number in [0, 1], got {value}")


def check_between(value: float, argument: str) -> None:
    """Raise unless ``value`` is a number strictly between 0 and 1."""
    if not is_real(value):
        raise TypeError(f"{argument}: expected a number between 0 and 1, got {value!r}")
    if not 0 < value < 1:
        raise ValueError(f"{argument}: expected a number between 0 and 1, got {value}")


def check_number(
    value: float,
    argument: str,
    above: float = -math.inf,
    least: float = -math.inf,
    most: float = math.inf,
) -> None:
    """Raise unless ``value`` is a finite number ``> above``, ``>= least`` and ``<= most``."""
    wanted = f"> {above:g}" if above > -math.inf else f">= {least:g}"
    wanted += f" and <= {most:g}" if most < math.inf else ""
    if not is_real(value):
        raise TypeError(f"{argument}: expected a number {wanted}, got {value!r}")
    try:
        number = float(value)
    except OverflowError:  # an integer beyond the range of real numbers
        number = math.inf
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        number = math.inf
    if not (math.isfinite(number) and value > above and least <= value <= most):
        raise ValueError(f"{argument}: expected a number {wanted}, got {value}")


def check_choice(value: str, choices: Sequence[str], argument: str) -> None:
    """Raise unless ``value`` is one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"{argument}: expected one of {listed}, got {value!r}")
