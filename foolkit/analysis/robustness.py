"""How many answers survive an attack, and whether the attack was one: masked gradients."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from foolkit.analysis.intervals import Interval, exact_interval, exact_share
from foolkit.checks import check_count, check_number
from foolkit.gradients import blind, fgsm, noise, pgd
from foolkit.models.classifier import predict

KNOWING_NOTHING = ("noise", "transfer", "evolution")  # of the network's gradient
WITHOUT_LIMIT, FEW = 1.0, 10  # a change that may turn any image into any other, in few steps


@dataclass(frozen=True)
class Robustness:
    """Which images a network still reads rightly under each attack of one size.

    Attributes:
        right: for each attack, bool ``[N]``, the same images in all.
        epsilon: largest change of a pixel.
        flat: bool ``[N]``, whether the gradient at the clean image is exactly 0 everywhere.
    """

    right: Mapping[str, Tensor]
    epsilon: float
    flat: Tensor

    def accuracy(self, attack: str, level: float = 0.95) -> Interval[float]:
        """The share that is right under one attack, with its exact interval over images."""
        return exact_share(self.right[attack], level)

    def worst(self, level: float = 0.95) -> Interval[float]:
        """The share that is right under every attack of this size: what "robust" must mean."""
        bounded = [right for name, right in self.right.items() if name != "without limit"]
        return exact_share(reduce(torch.logical_and, bounded), level)

    def masked(self, white_box: str = "pgd", level: float = 0.95) -> dict[str, bool]:
        """Signs that an attack along the gradient was hindered, and not withstood.

        From the lists of Athalye, Carlini and Wagner (2018, section 3.1) and Carlini et al.
        (2019). An attack "beats" another if, of the images on which just one of them succeeds, it
        has more than half, beyond chance.

        Args:
            white_box: the attack whose verdict is doubted, ``"pgd"`` or ``"fgsm"``.
            level: of the interval that decides "beyond chance".

        Returns:
            for each sign whether it was seen. None proves that gradients are honest.
        """
        signs = {"one step beats many": self._beats("fgsm", "pgd", level)}
        for name in KNOWING_NOTHING:
            if name in self.right:
                signs[f"{name} beats {white_box}"] = self._beats(name, white_box, level)
        signs["without limit some images stay right"] = self.accuracy("without limit").low > 0.01
        signs["gradients that are exactly zero"] = bool(self.flat.double().mean() > 0.01)
        return signs

    def _beats(self, one: str, other: str, level: float) -> bool:
        ours = ~self.right[one] & self.right[other]
        theirs = self.right[one] & ~self.right[other]
        both = int(ours.sum() + theirs.sum())
        return both > 0 and exact_interval(int(ours.sum()), both, level).low > 0.5


def robustness(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    strangers: Sequence[nn.Module] = (),
    steps: int = 40,
    restarts: int = 3,
    generations: int = 300,
    seed: int = 0,
) -> Robustness:
    """Attack a network in every way we have, within the same box around each image.

    * ``"clean"``: no attack;
    * ``"noise"``: plus or minus epsilon at random, right only if right ``restarts`` times;
    * ``"fgsm"``: one step along the gradient;
    * ``"pgd"``: many, from random starts, right only if right after every one;
    * ``"transfer"``: PGD on each of ``strangers`` (left out if there are none), right only if
      right on the images of every one;
    * ``"evolution"``: ``blind``, which asks for no gradient;
    * ``"without limit"``: PGD in a box that holds every image, as a check; ten steps do.

    Args:
        net: any module from images in [0, 1] to logits ``[N, K]``.
        images: float32 ``[N, C, H, W]`` in [0, 1].
        labels: int64 ``[N]``, the true classes.
        epsilon: largest change of a pixel, in units of the pixel range, above 0.
        strangers: networks that the attacker has instead.
        steps, restarts: of PGD.
        generations: of the evolution.
        seed: of all that is random.

    Raises:
        TypeError, ValueError: an argument that does not fit.
    """
    check_number(epsilon, "epsilon", above=0)
    epsilon = float(epsilon)
    check_count(restarts, "restarts")
    check_count(seed, "seed", minimum=0)
    common: dict[str, Any] = {"net": net, "images": images, "labels": labels}
    with warnings.catch_warnings():  # `flat` says the same, image by image
        warnings.filterwarnings("ignore", message=".*is exactly zero", category=UserWarning)
        flat = _flat(net, images, labels)
        right = {"clean": predict(net, images).argmax(1) == labels}
        drawn = [
            noise(**common, size=epsilon, norm="inf", kind="sign", seed=seed + i).success
            for i in range(restarts)
        ]
        right["noise"] = ~reduce(torch.logical_or, drawn)
        right["fgsm"] = ~fgsm(**common, epsilon=epsilon).success
        many: dict[str, Any] = {"steps": steps, "seed": seed, "progress": False}
        right["pgd"] = ~pgd(**common, epsilon=epsilon, restarts=restarts, **many).success
        made = [pgd(other, images, labels, epsilon=epsilon, **many).images for other in strangers]
        if made:
            read = [predict(net, changed).argmax(1) == labels for changed in made]
            right["transfer"] = reduce(torch.logical_and, read)
        bred = blind(**common, epsilon=epsilon, generations=generations, seed=seed)
        right["evolution"] = ~bred.success
        right["without limit"] = ~pgd(
            **common, epsilon=WITHOUT_LIMIT, **{**many, "steps": min(steps, FEW)}
        ).success
    return Robustness(right, epsilon, flat)


def _flat(net: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Where one step along the gradient's sign changes nothing at all: bool ``[N]``."""
    return fgsm(net, images, labels, epsilon=0.5, clip=False).linf == 0
