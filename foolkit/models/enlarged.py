"""Small images before a network of large ones: each pixel becomes a square."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate

from foolkit.checks import check_count, check_module
from foolkit.models.classifier import Classifier


class Enlarged(nn.Module):
    """A network of images that are ``times`` as high and as wide; its answer is unchanged.

    Args:
        module: from images ``[N, C, times * H, times * W]`` to logits.
        times: how many pixels a side of a pixel becomes.
    """

    def __init__(self, module: nn.Module, times: int) -> None:
        super().__init__()
        self.module, self.times = module, times

    def forward(self, images: Tensor) -> Tensor:
        """Logits of images ``[N, C, H, W]``."""
        return self.module(interpolate(images, scale_factor=self.times, mode="nearest"))


def enlarged(net: nn.Module, times: int) -> Classifier:
    """The same network for smaller images, of which each pixel is shown as a square.

    Evolution pixel by pixel has ``times`` squared fewer genes to find then.

    Args:
        net: with ``input_shape`` and ``classes``, such as a ``Classifier``.
        times: a divisor of the height and width of its images.

    Raises:
        TypeError, ValueError: not what is said above.
    """
    check_module(net)
    shape, classes = getattr(net, "input_shape", None), getattr(net, "classes", None)
    if shape is None or classes is None:
        raise TypeError(f"net: expected input_shape and classes, got {type(net).__name__}")
    check_count(times, "times")
    channels, height, width = shape
    if height % times or width % times:
        raise ValueError(f"times: expected a divisor of {height} and {width}, got {times}")
    return Classifier(
        Enlarged(net, times),
        input_shape=(channels, height // times, width // times),
        classes=classes,
        name=f"{getattr(net, 'name', type(net).__name__)}, pixels {times} times as large",
    ).eval()
