"""A network that answers at random, made to draw the same numbers at each call."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foolkit.checks import check_count
from foolkit.models.classifier import Classifier, check_classifier
from foolkit.models.door import mean_answer
from foolkit.seeds import check_seed


class Frozen(nn.Module):
    """The logarithm of the mean probability over ``samples`` answers: its softmax is that mean.

    PyTorch's own generators begin at ``seed`` in each call, and are afterwards where they were.

    Args:
        module: from images to logits; what it draws, it draws from PyTorch's own generators.
        samples: answers to an image.
        seed: of what is drawn.
    """

    def __init__(self, module: nn.Module, samples: int, seed: int) -> None:
        super().__init__()
        self.module, self.samples, self.seed = module, samples, seed

    def forward(self, images: Tensor) -> Tensor:
        """Logarithms of mean probabilities, float32 ``[N, K]``."""
        devices = [images.device] if images.is_cuda else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(self.seed)
            said = [self.module(images).float() for _ in range(self.samples)]
        return mean_answer(torch.stack(said))


def frozen(net: Classifier, *, samples: int = 1, seed: int = 0) -> Classifier:
    """A network that answers at random, as one that does not: the mean of ``samples`` answers.

    Every routine here wants the same answer to the same images. An attack on one draw may be
    withstood by the next; on the mean of many it is expectation over transformation (Athalye et
    al. 2018), where the randomness is the network's own. Judge the result with another seed::

        made = fk.gradients.pgd(fk.models.frozen(net, samples=16), images, labels, epsilon=0.1)
        fk.models.predict(fk.models.frozen(net, seed=1), made.images)

    Args:
        net: a classifier that draws from PyTorch's own generators. Best once a call: what it
            draws for each image hangs on the image's place in the batch.
        samples: answers to an image; the mean costs as many passes.
        seed: of what is drawn.

    Raises:
        TypeError: no ``Classifier``, no integer.
        ValueError: fewer than one sample.
    """
    check_classifier(net)
    check_count(samples, "samples")
    return Classifier(
        Frozen(net, samples, check_seed(seed)),
        input_shape=net.input_shape,
        classes=net.classes,
        name=f"{net.name}, mean of {samples} from seed {seed}",
    ).eval()
