"""The contract of a classifier: images in [0, 1] to logits, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Self, SupportsIndex, cast

import torch
from torch import Tensor, nn

from foolkit.checks import (
    MOST_CLASSES,
    check_count,
    check_images,
    check_module,
    check_shape,
    image_shape,
    is_sequence,
)
from foolkit.models.adapted import Channels, Layout, Outputs, adapted
from foolkit.models.door import answer, evaluating, finite_answer, two_of_one


def check_classifier(net: object) -> None:
    """Raise ``TypeError`` unless a network is a ``Classifier``, with its shape and names."""
    if not isinstance(net, Classifier):
        raise TypeError(f"net: expected a foolkit.models.Classifier, got {type(net).__name__}")


class Classifier(nn.Module):
    """Any module from images ``[N, C, H, W]`` in [0, 1] to logits ``[N, K]``, with its names.

    Scaling, mean and resizing belong inside ``module``. It may be in half or double precision,
    and may return an object with ``.logits`` or a tuple with one tensor ``[N, K]``: images are
    given in its own precision, logits are float32. Of two classes it may return one logit z, which
    stands for ``[-z, z] / 2``. A network of your own is one line::

        mine = Classifier(my_module, input_shape=(3, 32, 32), classes=my_names, name="mine")

    Args:
        module: the network.
        input_shape: ``(C, H, W)`` of the images, whatever the layout of the network.
        classes: K names, or K for the names "0" ... "K-1".
        name: how tables and files call it.
        mean, std: of each channel or of all, if the network was trained on ``(x - mean) / std`` and
            does not do it itself; in the order and the range of the next two.
        pixel_range: what it was trained on as black and white, such as ``(0, 255)``.
        channels: ``"BGR"`` for a network that takes blue first.
        layout: ``"NHWC"`` for a network that takes ``[N, H, W, C]``.
        outputs: ``"probabilities"`` for a network that ends in a softmax (or, of two classes, in a
            sigmoid): its logits are their logarithms.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        input_shape: Sequence[int],
        classes: Sequence[str] | SupportsIndex,
        name: str,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        pixel_range: Sequence[float] = (0, 1),
        channels: Channels = "RGB",
        layout: Layout = "NCHW",
        outputs: Outputs = "logits",
    ) -> None:
        super().__init__()
        check_module(module, "module")
        if not isinstance(name, str):
            raise TypeError(f"name: expected a word, got {name!r}")
        self.name = name
        self.input_shape = image_shape(input_shape, "input_shape")
        self.module = adapted(
            module, self.input_shape[0], mean=mean, std=std, pixel_range=pixel_range,
            channels=channels, layout=layout, outputs=outputs,
        )  # fmt: skip
        self.classes = class_names(classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]`` of ``images`` ``[N, C, H, W]`` in [0, 1].

        The shape is checked here; values are checked by ``predict`` and by every routine at its
        entrance, since reading them would make a GPU wait.
        """
        check_shape(images, self.input_shape)
        logits = answer(self.module, images)
        if len(self.classes) == 2 and logits.numel() == len(images):
            logits = two_of_one(logits)
        if tuple(logits.shape) != (len(images), len(self.classes)):
            raise ValueError(
                f"classes: the network {self.name!r} has {len(self.classes)} class names, so its"
                f" output should be [{len(images)}, {len(self.classes)}];"
                f" it is {list(logits.shape)}"
            )
        return logits

    def train(self, mode: bool = True) -> Self:
        """As for any module; a program of ``torch.export`` refuses it, and has only one mode."""
        self.training = mode
        with suppress(NotImplementedError):
            self.module.train(mode)
        return self

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.input_shape))
        return f"Classifier({self.name!r}, {shape}, {len(self.classes)} classes)"


def class_names(classes: Sequence[str] | SupportsIndex) -> tuple[str, ...]:
    """The names given; of a number K, ``"0"`` to ``"K-1"``.

    Raises:
        TypeError: neither names nor a number.
        ValueError: fewer than two, or more than ``MOST_CLASSES``.
    """
    if isinstance(classes, str) or not is_sequence(classes):
        if isinstance(classes, str) or not hasattr(classes, "__index__"):
            raise TypeError(f"classes: expected names or their number, got {classes!r}")
        return tuple(map(str, range(check_count(classes, "classes", 2, MOST_CLASSES))))
    names = tuple(map(str, cast("Iterable[str]", classes)))
    if len(names) < 2:
        raise ValueError(f"classes: expected at least two, got {len(names)}")
    return names


def fingerprint(net: nn.Module) -> str:
    """Sixteen hexadecimal digits of all parameters and buffers: are these the same weights?

    They say nothing of what is done with the weights.
    """
    digest = hashlib.sha256()
    for name, value in net.state_dict().items():
        digest.update(name.encode())
        for part in value if isinstance(value, tuple) else (value,):  # quantised: weight and bias
            if not isinstance(part, Tensor):
                digest.update(repr(part).encode())
                continue
            if part.is_quantized:
                digest.update(repr(part.qscheme()).encode())
                part = part.dequantize()
            digest.update(part.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def predict(net: nn.Module, images: Tensor, chunk: int = 500) -> Tensor:
    """Confidences ``[N, K]`` (softmax of the logits, float32) of images of any number.

    Checked, in evaluation mode, without gradients, ``chunk`` images at a time. The network gets
    a copy, which it may write into.

    Raises:
        TypeError, ValueError: images that are not float32 ``[N, C, H, W]`` in [0, 1]; a network
            without logits ``[N, K]`` of at least two classes.
        FloatingPointError: an image of which its answer is NaN or infinite.
    """
    check_module(net)
    check_images(images, getattr(net, "input_shape", None))
    chunk = check_count(chunk, "chunk")
    confidences = []
    with torch.inference_mode(), evaluating(net):
        for part in images.split(chunk):
            logits = finite_answer(net, part.clone())
            confidences.append(logits.softmax(1))
        return torch.cat(confidences)
