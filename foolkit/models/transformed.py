"""A network behind a camera: the mean of what it says of several views of one image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from foolkit.checks import check_count
from foolkit.models.classifier import Classifier, check_classifier
from foolkit.models.door import mean_answer
from foolkit.seeds import check_seed


class Transformed(nn.Module):
    """The logarithm of the mean probability over ``samples`` views: its softmax is that mean.

    The views are the same at each call, so that a network's answer to an image stays its answer:
    the generator begins anew at ``seed``.

    Args:
        module: from images to logits.
        transform: ``(images, generator) -> images``, one of ``foolkit.transforms`` or your own;
            what it draws should not depend on the number of images.
        samples: views of an image.
        seed: of the views.
    """

    def __init__(
        self,
        module: nn.Module,
        transform: Callable[[Tensor, torch.Generator], Tensor],
        samples: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.module, self.transform = module, transform
        self.samples, self.seed = samples, seed

    def forward(self, images: Tensor) -> Tensor:
        """Logarithms of mean probabilities, float32 ``[N, K]``."""
        generator = torch.Generator(images.device).manual_seed(self.seed)
        said = [self.module(self.transform(images, generator)).float() for _ in range(self.samples)]
        return mean_answer(torch.stack(said))


def transformed(
    net: Classifier,
    transform: Callable[[Tensor, torch.Generator], Tensor],
    *,
    samples: int = 8,
    seed: int = 0,
) -> Classifier:
    """The same network, shown each image ``samples`` times, as a transformation draws it.

    Evolution through it breeds what fools on the average over the views: expectation over
    transformation (Athalye et al. 2018) where there is no gradient::

        net = fk.models.transformed(fk.models.load("lenet"), fk.transforms.Shift(2))
        elites = fk.evolve(net, fk.encodings.Pixels(net.input_shape))

    The views are fixed by ``seed``, since a fitness that is drawn anew keeps whoever was lucky.
    Judge the result with another seed.

    Args:
        net: a classifier.
        transform: ``(images, generator) -> images``, of the same shape.
        samples: views of an image; an answer costs as many passes.
        seed: of the views.

    Raises:
        TypeError: no ``Classifier``, no function, no integer.
        ValueError: fewer than one view.
    """
    check_classifier(net)
    if not callable(transform):
        raise TypeError(f"transform: expected a function, got {transform!r}")
    check_count(samples, "samples")
    return Classifier(
        Transformed(net.module, transform, samples, check_seed(seed)),
        input_shape=net.input_shape,
        classes=net.classes,
        name=f"{net.name}, {samples} views of seed {seed}",
    ).eval()
