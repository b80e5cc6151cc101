"""What stands between images in [0, 1] and a network that expects something else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from foolkit.checks import check_choice, check_number, is_real, is_sequence
from foolkit.models.door import ADDS_TO_ONE, logits_of

Layout = Literal["NCHW", "NHWC"]
Outputs = Literal["logits", "probabilities"]
Channels = Literal["RGB", "BGR"]
LEAST = 1e-30  # probability of a class, below which its logarithm is cut: no logit is infinite


class Normalised(nn.Module):
    """A network behind the normalisation that it was trained with.

    Args:
        network: from normalised images to logits.
        mean, deviation: of each channel, of images in [0, 1].
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, network: nn.Module, mean: Sequence[float], deviation: Sequence[float]
    ) -> None:
        super().__init__()
        self.network = network
        for name, values in (("mean", mean), ("deviation", deviation)):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``."""
        mean, deviation = self.mean.to(images.dtype), self.deviation.to(images.dtype)
        return self.network((images - mean) / deviation)


class ChannelsLast(nn.Module):
    """A network that takes ``[N, H, W, C]``, as those of Keras and of ONNX often do."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]`` of images ``[N, C, H, W]``."""
        return self.network(images.permute(0, 2, 3, 1))


class Reversed(nn.Module):
    """A network that takes blue, green and red, as those of Caffe and OpenCV do."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]`` of images of red, green and blue."""
        return self.network(images.flip(1))


class Logarithm(nn.Module):
    """A network that answers with probabilities: their logarithms, whose softmax they are.

    One column is the probability of the second of two classes.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.looked = False  # once is enough: a look makes a GPU wait

    def forward(self, images: Tensor) -> Tensor:
        """Logits, float32 ``[N, K]``.

        Raises:
            ValueError: the first answers are no probabilities that add up to one.
        """
        shares = logits_of(self.network(images))
        if shares.ndim == 1 or (shares.ndim == 2 and shares.shape[1] == 1):
            shares = shares.view(-1, 1)
            shares = torch.cat([1 - shares, shares], 1)
        if not self.looked:
            self._look(shares.detach())
        return shares.clamp_min(LEAST).log()

    def _look(self, shares: Tensor) -> None:
        shares = shares[shares.isfinite().all(1)]  # what has no answer is judged elsewhere
        if not len(shares):
            return
        low, high = float(shares.min()), float(shares.max())
        far = float((shares.sum(1) - 1).abs().max())
        if low < -ADDS_TO_ONE or high > 1 + ADDS_TO_ONE or far > ADDS_TO_ONE:
            raise ValueError(
                "outputs: expected probabilities that add up to one, got values from"
                f" {low:.3g} to {high:.3g} with a sum up to {far:.3g} away from one (a network that"
                " answers yes or no to each of many labels gives no single class, and is not"
                " supported; take one of its labels as a network of two classes)"
            )
        self.looked = True


def adapted(
    module: nn.Module,
    count: int,
    *,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    pixel_range: Sequence[float] = (0, 1),
    channels: Channels = "RGB",
    layout: Layout = "NCHW",
    outputs: Outputs = "logits",
) -> nn.Module:
    """The module for images ``[N, C, H, W]`` in [0, 1] and logits; itself, if it takes them.

    Args:
        module: the network as it is.
        count: C, how many channels.
        mean, std: of each channel, or one number for all, of images in ``pixel_range``: the
            network is shown ``(image - mean) / std``.
        pixel_range: what black and white are before that, such as (0, 255) or (-1, 1).
        channels: ``"BGR"``: the network takes blue first; ``mean`` and ``std`` are in its order.
        layout: ``"NHWC"``: the network takes ``[N, H, W, C]``.
        outputs: ``"probabilities"``: it ends in a softmax or a sigmoid.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    check_choice(layout, get_args(Layout), "layout")
    check_choice(outputs, get_args(Outputs), "outputs")
    check_choice(channels, get_args(Channels), "channels")
    if channels == "BGR" and count != 3:
        raise ValueError(f"channels: expected 'BGR' for images of 3 channels alone, got {count}")
    means = _of_channels(mean, count, "mean", 0.0)
    deviations = _of_channels(std, count, "std", 1.0, above=0)
    black, white = _two_levels(pixel_range)
    if layout == "NHWC":
        module = ChannelsLast(module)
    if mean is not None or std is not None or (black, white) != (0, 1):
        span = white - black
        module = Normalised(
            module, [(m - black) / span for m in means], [d / span for d in deviations]
        )
    if channels == "BGR":
        module = Reversed(module)
    return Logarithm(module) if outputs == "probabilities" else module


def _two_levels(pixel_range: Sequence[float]) -> tuple[float, float]:
    """Black and white."""
    if isinstance(pixel_range, str) or not isinstance(pixel_range, Sequence):
        raise TypeError(f"pixel_range: expected two numbers, got {pixel_range!r}")
    if len(pixel_range) != 2:
        raise ValueError(f"pixel_range: expected two numbers, got {len(pixel_range)}")
    for level in pixel_range:
        check_number(level, "pixel_range")
    black, white = map(float, pixel_range)
    if black >= white:
        raise ValueError(f"pixel_range: expected black below white, got {black:g} and {white:g}")
    return black, white


def _of_channels(
    given: float | Sequence[float] | None,
    count: int,
    argument: str,
    default: float,
    above: float = -math.inf,
) -> list[float]:
    """A number for each channel."""
    if given is None:
        return [default] * count
    if not is_real(given) and (isinstance(given, str) or not is_sequence(given)):
        raise TypeError(f"{argument}: expected a number or one a channel, got {given!r}")
    values = [given] * count if is_real(given) else list(given)  # type: ignore[arg-type]
    if len(values) != count:
        raise ValueError(f"{argument}: expected {count} numbers, one a channel, got {len(values)}")
    for value in values:
        check_number(value, argument, above=above)
    return [float(value) for value in values]
