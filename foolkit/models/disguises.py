"""Defences that look strong and are not: each hides a network's gradient in its own way.

None changes what the network knows. They stand for the ways in which published defences misled
their authors (Athalye, Carlini and Wagner 2018; Tramèr et al. 2020), as small as they can be.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from foolkit.checks import check_choice
from foolkit.models.classifier import Classifier, check_classifier
from foolkit.transforms import SensorNoise, Shift

Disguise = Literal["steep", "softmax", "rounded", "rippled", "shaken", "settled"]
SCALE = 1e4  # of the steep logits
LEVELS = 16  # of a rounded pixel
HEIGHT, WAVES = 0.01, 200  # of the ripple: pixels, and waves from black to white
SHIFT, NOISE = 1.5, 0.2  # of the shaken image: pixels, and of the pixel range
STEPS, LENGTH = 2, 0.1  # that a settled image takes, and their length in pixel values


class Steep(nn.Module):
    """Logits times ``SCALE``: no answer changes, and the softmax is 0 or 1 in float32.

    What defensive distillation does to a network (Papernot et al. 2016), without the distillation;
    undone by Carlini and Wagner (2017), whose loss asks for no softmax.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``."""
        return SCALE * self.module(images)


class Softmaxed(nn.Module):
    """Probabilities where logits are expected: a loss that takes their softmax hardly moves."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        """Probabilities ``[N, K]``."""
        return self.module(images).softmax(1)


class Rounded(nn.Module):
    """Pixels rounded to ``levels`` greys, a step whose derivative is 0 wherever there is one."""

    def __init__(self, module: nn.Module, levels: int = LEVELS) -> None:
        super().__init__()
        self.module, self.levels = module, levels

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``."""
        return self.module((images * (self.levels - 1)).round() / (self.levels - 1))


class Rippled(nn.Module):
    """A ripple on every grey, too low to be seen, so steep that its slope drowns the network's.

    ``x - h sin(2 pi w x)`` has the derivative ``1 - 2 pi w h cos(2 pi w x)``, whose sign changes
    with the smallest step, and is the wrong one at black and white: a shattered gradient.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``."""
        return self.module(images - HEIGHT * torch.sin(2 * math.pi * WAVES * images))


class Shaken(nn.Module):
    """The image moved and covered with noise, drawn anew at each call from PyTorch's generators."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module, self.shift, self.noise = module, Shift(SHIFT), SensorNoise(NOISE)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``."""
        seed = int(torch.randint(2**31, (), device=images.device))
        generator = torch.Generator(images.device).manual_seed(seed)
        return self.module(self.noise(self.shift(images, generator), generator))


class Settled(nn.Module):
    """Before it answers, the image takes steps up its likeliest class, found by the gradient.

    An optimisation at inference, as in defences that purify their input. The steps are constants
    to whoever asks for a gradient from outside.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``."""
        with torch.inference_mode(False), torch.enable_grad():
            settled = images.detach().clone()
            for _ in range(STEPS):
                settled.requires_grad_()
                likeliest = self.module(settled).log_softmax(1).amax(1).sum()
                (slope,) = torch.autograd.grad(likeliest, settled)
                settled = (settled.detach() + LENGTH * slope.sign()).clamp(0, 1)
        return self.module(images + (settled - images.detach()))


KINDS: dict[str, type[nn.Module]] = {
    "steep": Steep, "softmax": Softmaxed, "rounded": Rounded, "rippled": Rippled,
    "shaken": Shaken, "settled": Settled,
}  # fmt: skip


def disguised(net: Classifier, kind: Disguise) -> Classifier:
    """The same network behind a defence that hides its gradient.

    * ``"steep"``: its softmax is saturated;
    * ``"softmax"``: it answers with probabilities in the place of logits;
    * ``"rounded"``: the pixels are rounded to 16 greys;
    * ``"rippled"``: the gradient is shattered;
    * ``"shaken"``: the image is moved and covered with noise, at random; ``frozen`` lets the
      routines here attack it;
    * ``"settled"``: it climbs its own likeliest class before it answers.

    Args:
        net: a classifier.
        kind: which of these.

    Raises:
        TypeError: no ``Classifier``.
        ValueError: another ``kind``.
    """
    check_classifier(net)
    check_choice(kind, get_args(Disguise), "kind")
    return Classifier(
        KINDS[kind](net.module),
        input_shape=net.input_shape,
        classes=net.classes,
        name=f"{net.name}, {kind}",
    ).eval()
