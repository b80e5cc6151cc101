"""The contract of a classifier: images in [0, 1] to logits, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self

import torch
from torch import Tensor, nn

from foolkit.checks import check_count, check_images, check_shape
from foolkit.models.door import answer


class Classifier(nn.Module):
    """Any module from images ``[N, C, H, W]`` in [0, 1] to logits ``[N, K]``, with its names.

    Scaling, mean and resizing belong inside ``module``. It may be in half or double precision,
    and may return an object with ``.logits`` or a tuple with one tensor ``[N, K]``: images are
    given in its own precision, logits are float32. A network of your own is one line::

        mine = Classifier(my_module, input_shape=(3, 32, 32), classes=my_names, name="mine")

    Args:
        module: the network.
        input_shape: ``(C, H, W)`` of the images that it takes.
        classes: K names, or K for the names "0" ... "K-1".
        name: how tables and files call it.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        input_shape: Sequence[int],
        classes: Sequence[str] | int,
        name: str,
    ) -> None:
        super().__init__()
        if not isinstance(module, nn.Module):
            raise TypeError(f"module: expected a torch.nn.Module, got {type(module).__name__}")
        if len(tuple(input_shape)) != 3:
            raise ValueError(
                f"input_shape: expected (channels, height, width), got {tuple(input_shape)}"
            )
        for size in input_shape:
            check_count(size, "input_shape")
        self.module = module
        self.name = name
        self.input_shape = tuple(input_shape)
        self.classes = tuple(map(str, range(classes) if isinstance(classes, int) else classes))
        if len(self.classes) < 2:
            raise ValueError(f"classes: expected at least two, got {len(self.classes)}")

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]`` of ``images`` ``[N, C, H, W]`` in [0, 1].

        The shape is checked here; values are checked by ``predict`` and by every routine at its
        entrance, since reading them would make a GPU wait.
        """
        check_shape(images, self.input_shape)
        logits = answer(self.module, images)
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


@contextmanager
def evaluating(net: nn.Module) -> Iterator[nn.Module]:
    """Evaluation mode inside the block; afterwards every module has the mode it had.

    Sets the flags itself, since programs from ``torch.export`` refuse ``.eval()``.
    """
    modes = [(module, module.training) for module in net.modules()]
    try:
        for module, _ in modes:
            module.training = False
        yield net
    finally:
        for module, training in modes:
            module.training = training


def fingerprint(net: nn.Module) -> str:
    """Sixteen hexadecimal digits of all parameters and buffers: are these the same weights?"""
    digest = hashlib.sha256()
    for name, tensor in net.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def predict(net: nn.Module, images: Tensor, batch: int = 500) -> Tensor:
    """Confidences ``[N, K]`` (softmax of the logits, float32) of images of any number.

    Checked, in evaluation mode, without gradients, ``batch`` images at a time.

    Raises:
        TypeError, ValueError: images that are not float32 ``[N, C, H, W]`` in [0, 1].
    """
    check_images(images, getattr(net, "input_shape", None))
    check_count(batch, "batch")
    with torch.inference_mode(), evaluating(net):
        return torch.cat([answer(net, part).softmax(1) for part in images.split(batch)])
