"""Randomised smoothing: the answer most often given under noise, and how far it provably holds.

Cohen, Rosenfeld and Kolter (2019). The smoothed classifier g answers with the class that a base
network f gives most often to the image plus Gaussian noise. If f gives class A with probability
at least p > 1/2, then g answers A for every image nearer than ``sigma Phi^-1(p)`` in the Euclidean
norm, whatever network f is (theorem 1). The probability is estimated by sampling, so both
algorithms may be wrong with probability ``alpha`` an image, and abstain where they cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from foolkit.checks import (
    check_between,
    check_count,
    check_images,
    check_labels,
    check_module,
    check_number,
    image_shape,
)
from foolkit.models.door import check_table, evaluating, finite_answer
from foolkit.seeds import Seed, generator_of

ABSTAIN = -1


@dataclass(frozen=True)
class Certificate:
    """What *Certify* says of N images.

    Attributes:
        classes: int64 ``[N]``, the answer of the smoothed classifier; ``ABSTAIN`` where none.
        radius: float64 ``[N]``, within which in L2 the answer provably stays; 0 where abstained.
        least: float64 ``[N]``, lower confidence bound of the probability of the class.
        sigma, alpha: as they were given.
    """

    classes: Tensor
    radius: Tensor
    least: Tensor
    sigma: float
    alpha: float

    def right(self, labels: Tensor, radius: float = 0.0) -> Tensor:
        """Which images are answered with their label, provably within ``radius``; bool ``[N]``.

        Their share is the paper's *certified accuracy*; of radius 0 it still counts only answers
        that were given.

        Raises:
            TypeError, ValueError: labels that are not int64 ``[N]``, a negative radius.
        """
        check_labels(labels, len(self.classes), torch.iinfo(torch.int64).max)
        check_number(radius, "radius", least=0)
        return (self.classes == labels) & (self.radius >= radius)


def smoothed_certify(
    net: nn.Module,
    images: Tensor,
    *,
    sigma: float,
    samples: int = 1000,
    selecting: int = 100,
    alpha: float = 0.001,
    seed: Seed = 0,
    chunk: int = 2000,
) -> Certificate:
    """*Certify* (Cohen et al. 2019, section 3.2.2): an answer and a radius, or no answer.

    The class is chosen from ``selecting`` samples and judged on others, so that the choice does
    not flatter it. Its probability is bounded from below by the one-sided exact interval of
    Clopper and Pearson; if the bound is above one half the radius is ``sigma Phi^-1(bound)``.

    Args:
        net: f, to logits ``[N, K]``. It is shown noisy images that leave [0, 1]: the theorem
            does not hold for clipped noise.
        images: float32 ``[N, C, H, W]`` in [0, 1].
        sigma: standard deviation of the noise, in units of the pixel range, > 0.
        samples: n, by which the probability is bounded. No radius exceeds
            ``sigma Phi^-1(alpha^(1/n))``; the paper takes 100,000.
        selecting: n0, by which the class is chosen.
        alpha: chance that an image's certificate is wrong, in (0, 1).
        seed: of the noise.
        chunk: noisy images of one pass.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    from scipy.stats import beta, norm  # slow to import

    chunk = _check(net, images, sigma, samples, alpha, chunk)
    sigma, alpha = float(sigma), float(alpha)
    check_count(selecting, "selecting")
    generator = generator_of(seed, images.device)
    first = count_answers(net, images, sigma, selecting, generator, chunk)
    chosen = first.argmax(1)
    counts = count_answers(net, images, sigma, samples, generator, chunk)
    hits = counts.gather(1, chosen[:, None])[:, 0].cpu().numpy()
    # LowerConfBound: the exact one-sided bound; of no hit it is 0, where beta has no such shape
    bound = np.where(hits > 0, beta.ppf(alpha, np.maximum(hits, 1), samples - hits + 1), 0.0)
    least = torch.from_numpy(bound).to(images.device)
    proved = least > 0.5
    radius = torch.from_numpy(sigma * norm.ppf(np.maximum(bound, 0.5))).to(images.device)
    return Certificate(torch.where(proved, chosen, ABSTAIN), radius, least, sigma, alpha)


def smoothed_predict(
    net: nn.Module,
    images: Tensor,
    *,
    sigma: float,
    samples: int = 1000,
    alpha: float = 0.001,
    seed: Seed = 0,
    chunk: int = 2000,
) -> Tensor:
    """*Predict* (Cohen et al. 2019, section 3.2.1): the smoothed answer, int64 ``[N]``.

    The class counted most often, if a fair coin would seldom (``alpha``) have led the second by as
    much or been led by as much; else ``ABSTAIN``.

    Args:
        net, images, sigma, alpha, seed, chunk: as for ``smoothed_certify``.
        samples: n.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    from scipy.stats import binom  # slow to import

    chunk = _check(net, images, sigma, samples, alpha, chunk)
    sigma, alpha = float(sigma), float(alpha)
    generator = generator_of(seed, images.device)
    counts = count_answers(net, images, sigma, samples, generator, chunk)
    top = counts.topk(2, dim=1)
    first, both = top.values[:, 0].cpu().numpy(), top.values.sum(1).cpu().numpy()
    # two-sided, of a fair coin: both tails are alike
    chance = np.minimum(1.0, 2 * binom.sf(first - 1, both, 0.5))
    sure = torch.from_numpy(chance <= alpha).to(images.device)
    return torch.where(sure, top.indices[:, 0], ABSTAIN)


class Smoothed(nn.Module):
    """The mean answer under noise that is drawn once: a classifier that evolution can climb.

    Logits are logarithms of the mean softmax over ``samples`` noisy copies, the same noise for
    every image and every call, as in the attack of Salman et al. (2019). It stands
    in for the smoothed classifier, whose answers themselves are random.

    Args:
        net: f, to logits ``[N, K]``, of images of ``shape``.
        shape: ``(C, H, W)``.
        sigma: standard deviation of the noise, > 0.
        samples: copies.
        seed: of the noise.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """

    noise: Tensor

    def __init__(
        self,
        net: nn.Module,
        shape: Sequence[int],
        *,
        sigma: float,
        samples: int = 8,
        seed: Seed = 0,
    ) -> None:
        super().__init__()
        check_module(net)
        check_number(sigma, "sigma", above=0)
        check_count(samples, "samples")
        self.net, self.input_shape = net, image_shape(shape)
        drawn = torch.randn((samples, *self.input_shape), generator=generator_of(seed))
        self.register_buffer("noise", sigma * drawn)

    def forward(self, images: Tensor) -> Tensor:
        """``[N, K]``."""
        copies = (images[:, None] + self.noise).flatten(0, 1)
        logs = self.net(copies).log_softmax(1).view(len(images), len(self.noise), -1)
        return logs.logsumexp(1) - math.log(len(self.noise))


def count_answers(
    net: nn.Module,
    images: Tensor,
    sigma: float,
    samples: int,
    generator: torch.Generator,
    chunk: int = 2000,
) -> Tensor:
    """*SampleUnderNoise*: how often ``net`` gives each class under noise, int64 ``[N, K]``."""
    n, counts = len(images), None
    with torch.inference_mode(), evaluating(net):
        # pairs of image and sample in a row, so that few images fill a pass too
        for pairs in torch.arange(n * samples, device=images.device).split(chunk):
            own = pairs // samples
            noise = torch.randn(
                (len(pairs), *images.shape[1:]), generator=generator, device=images.device
            )
            logits = finite_answer(net, images[own] + sigma * noise)
            check_table(logits, len(pairs))
            k = logits.shape[1]
            found = (own * k + logits.argmax(1)).bincount(minlength=n * k)
            counts = found if counts is None else counts + found
    assert counts is not None  # there is at least one image and one sample
    return counts.view(n, -1)


def _check(
    net: nn.Module, images: Tensor, sigma: float, samples: int, alpha: float, chunk: int
) -> int:
    check_module(net)
    check_images(images, getattr(net, "input_shape", None))
    check_number(sigma, "sigma", above=0)
    check_count(samples, "samples")
    check_between(alpha, "alpha")
    return check_count(chunk, "chunk")
