"""Radial basis functions: a class says yes near its own centres, and nowhere else."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from foolkit.checks import (
    MOST_CLASSES,
    MOST_VALUES,
    check_between,
    check_choice,
    check_count,
    check_images,
    check_labels,
)
from foolkit.models.precision import log_odds
from foolkit.seeds import generator_of

PIXELS = 28 * 28
LEAST = 1e-6  # of the exponent: a score of 1 would have an infinite logit
ROUNDS = 5  # of Lloyd's algorithm, for centres to begin with: training moves them anyway


class RBF(nn.Module):
    """Radial basis functions, of which each class has some (Goodfellow et al. 2015, section 7).

    The score of class k is ``s_k(x) = exp(-q_k(x))`` with
    ``q_k(x) = min_c (x - m_kc)^T B_k (x - m_kc)``: the best of its centres, measured with a
    diagonal ``B_k > 0`` that they share. Each score is in (0, 1] by itself; the ten need not add
    up to anything, and far from every centre all are near 0.

    Deviations: the paper has one centre a class and does not say what its ``beta`` is. One
    centre is too weak here (about 86 % of the digits), hence ten.

    A classifier gives logits. Which, depends on how the scores are read:

    * ``"score"``: ``log(s_k / (1 - s_k))``, so that the *sigmoid* of the logit is the score.
      Trained with binary cross-entropy, each class by itself.
    * ``"softmax"``: ``-q_k``, the logarithm of the score, so that the *softmax* divides the
      scores by their sum.

    Images ``[N, 1, 28, 28]``.

    Args:
        read: ``"score"`` or ``"softmax"``.
        per_class: centres of each class.
        classes: K.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """

    def __init__(
        self,
        read: Literal["score", "softmax"] = "score",
        per_class: int = 10,
        classes: int = 10,
    ) -> None:
        super().__init__()
        check_choice(read, ("score", "softmax"), "read")
        check_count(classes, "classes", minimum=2, most=MOST_CLASSES)
        check_count(per_class, "per_class", most=MOST_VALUES // (PIXELS * classes))
        self.read = read
        self.centres = nn.Parameter(torch.zeros(classes, per_class, PIXELS))
        self.log_precision = nn.Parameter(torch.zeros(classes, PIXELS))  # of the diagonal of B

    def exponents(self, images: Tensor) -> Tensor:
        """``q_k``, the smallest of each class: ``[N, K]``, at least 0."""
        pixels = images.flatten(1)
        classes, per_class, _ = self.centres.shape
        precision = self.log_precision.exp()
        weighted = (precision[:, None] * self.centres).flatten(0, 1)
        own = (weighted * self.centres.flatten(0, 1)).sum(1)
        # products of matrices: the differences themselves would be N x K x C x 784 numbers
        cross = (own - 2 * pixels @ weighted.T).view(-1, classes, per_class)
        return (cross.amin(2) + pixels.square() @ precision.T).clamp_min(0)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, K]``: see the class."""
        exponents = self.exponents(images)
        if self.read == "softmax":
            return -exponents
        exponents = exponents.clamp_min(LEAST)
        return log_odds(-exponents)

    @torch.no_grad()
    def place(self, images: Tensor, labels: Tensor, seed: int = 0) -> None:
        """Put the centres where the digits are: a few rounds of k-means in each class.

        ``B`` becomes the same for all pixels, such that a score is about a half at the distance
        that digits have from their centre (root mean square).

        Args:
            images: float32 ``[N, 1, 28, 28]`` in [0, 1].
            labels: int64 ``[N]``, at least as many of each class as it has centres.
            seed: of the digits to begin with.

        Raises:
            TypeError, ValueError: an argument that does not fit.
        """
        classes, per_class, _ = self.centres.shape
        check_images(images, (1, 28, 28))
        check_labels(labels, len(images), classes)
        check_count(seed, "seed", minimum=0)
        fewest = int(labels.bincount(minlength=classes).min())
        if fewest < per_class:
            raise ValueError(
                f"labels: expected at least {per_class} of each class, one a centre, got {fewest}"
            )
        draws = generator_of(seed)
        for k in range(classes):
            own = images[labels == k].flatten(1)
            centres = own[torch.randperm(len(own), generator=draws)[:per_class]].clone()
            # scikit-learn's KMeans from the same digits ends 1e-7 away, and the stored weights
            # were trained from these very centres
            for _ in range(ROUNDS):
                nearest = torch.cdist(own, centres).argmin(1)
                sums = torch.zeros_like(centres).index_add_(0, nearest, own)
                count = nearest.bincount(minlength=per_class)[:, None]
                centres = torch.where(count > 0, sums / count.clamp_min(1), centres)
            self.centres[k] = centres
            square = torch.cdist(own, centres).amin(1).square().mean().clamp_min(LEAST)
            self.log_precision[k] = torch.log(math.log(2) / square)


def nearest_digits(
    images: Tensor,
    labels: Tensor,
    read: Literal["score", "softmax"] = "score",
    *,
    share: float = 0.95,
) -> RBF:
    """The nearest neighbour with its distance: every known digit is a centre, nothing is trained.

    The score of a class is ``exp(-d^2 / w^2)``, d the distance to its nearest digit. The one
    number w is set so that ``share`` of the known digits have at least a half in their own class,
    each measured against the others.

    Args:
        images: float32 ``[N, 1, 28, 28]`` in [0, 1], equally many of each class, two at least.
        labels: int64 ``[N]``, classes 0 to K-1.
        read: what the logits are, as for ``RBF``.
        share: in (0, 1).

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    check_images(images, (1, 28, 28))
    check_between(share, "share")
    check_labels(labels, len(images))
    counts = labels.bincount()
    if len(counts) < 2 or int(counts.min()) != int(counts.max()) or int(counts.min()) < 2:
        raise ValueError(
            "labels: expected equally many of each class, two at least of two at least,"
            f" got {counts.tolist()}"
        )
    machine = RBF(read, int(counts[0]), len(counts))
    order = labels.argsort(stable=True)
    digits = images[order].flatten(1).view(len(counts), int(counts[0]), PIXELS)
    # the nearest of a digit's own class is itself, at 0; the next is its neighbour
    others = torch.cdist(digits, digits).topk(2, largest=False).values[:, :, 1]
    width = others.flatten().quantile(share).clamp_min(LEAST)
    with torch.no_grad():
        machine.centres.copy_(digits)
        machine.log_precision.fill_(math.log(math.log(2) / float(width) ** 2))
    return machine.requires_grad_(False).eval()
