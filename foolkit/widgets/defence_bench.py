"""Tick a defence, run the same attack: networks trained in different ways, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
import traitlets
from torch import Tensor

from foolkit.checks import check_choice, check_images, check_labels, check_mapping, is_sequence
from foolkit.models import comparison_digits
from foolkit.widgets.base import Widget, check_network
from foolkit.widgets.modules import module
from foolkit.widgets.traits import LAST_SEED, Flag, Images, Number, Whole, check_whole, to_tensor

ATTACKS = ("fgsm", "pgd", "noise", "paint")
DEFENCES = {  # what each was trained with
    "no defence": "lenet",
    "noise": "lenet-noise",
    "FGSM": "lenet-fgsm",
    "PGD": "lenet-pgd",
    "outliers": "lenet-exposed",
}
PER_CLASS = 3
MOST = 100  # digits: more would keep a reader waiting


@cache
def bench_digits() -> tuple[Tensor, Tensor]:
    """Three digits of each class that no shipped network learned from, in the order 0, 0, 0, 1.

    Returns:
        images, float32 ``[30, 1, 28, 28]`` in [0, 1], and labels, int64 ``[30]``.
    """
    images, labels = comparison_digits()
    index = torch.cat([(labels == digit).nonzero()[:PER_CLASS, 0] for digit in range(10)])
    return images[index], labels[index]


def checked_labels(images: Tensor, labels: Tensor | None, most: int) -> Tensor:
    """The classes of a bench's digits, once both have been checked; at most so many digits."""
    check_images(images, (1, 28, 28))
    if len(images) > most:
        raise ValueError(f"images: expected at most {most}, got {len(images)}")
    if labels is None:
        raise TypeError(f"labels: expected {len(images)} classes, one for each image, got none")
    check_labels(labels, len(images), 10, "labels")
    return labels


class DefenceBench(Widget):
    """Networks with and without a defence; the ticked ones meet the same attack in the page.

    ``"fgsm"`` and ``"pgd"`` are those of ``foolkit.gradients``; ``"noise"`` is the control, every
    pixel moved by plus or minus ``epsilon``; ``"paint"`` is ``foolkit.gradients.ascent`` from
    noise to each of the ten classes, on which ``epsilon`` has no bearing. The page has random
    numbers of its own, the same for every network: a seed gives the same starts in every browser,
    but not Python's. Where the gradient that an attack climbs is exactly zero in float32, the
    attack has shown nothing, and the page says that instead of "stands".

    The weights of a network are fetched when it is first attacked.

    Args:
        networks: for each defence's name a shipped network that the page can run; the first one
            is the undefended network. By default ``DEFENCES``.
        images: digits to attack, float32 ``[N, 1, 28, 28]`` in [0, 1], N at most 100; by default
            ``bench_digits()``.
        labels: their classes, int64 ``[N]``; needed with ``images``.
        ticked: names of the defences to attack; by default the first two.
        attack: ``"fgsm"``, ``"pgd"``, ``"noise"`` or ``"paint"``.
        epsilon: largest change of a pixel, 0 to 0.4.
        steps: gradient steps of PGD, 1 to 100.
        restarts: random starts of PGD, 1 to 5.
        transferred: make the images on the undefended network, and give the same ones to all.
        chosen: the digit that is shown.
        seed: of starts and noise, 0 to 999999.

    Attributes:
        guess: the defence that the reader expects to stand best, or "".
        results: for each defence attacked what was counted when the attack had ended; empty
            before that. ``before``: digits read rightly before the attack; ``right``, ``wrong``
            and ``untested``: read rightly after it, wrongly, and rightly though the attack had no
            gradient to climb; ``total``: of how many. Of ``"paint"`` there are ten images and no
            right answer: ``wrong`` are those read as the goal with 99.99 %, ``before`` is 0.
            ``answer`` and ``confidence``: what it says of the chosen digit's image.
        attacked: the chosen digit's images as bytes, one for each name in ``results``.

    Raises:
        TypeError, ValueError: something that is not as described.
    """

    _esm = module("defence_bench.js")
    shown = ("defences", "attack", "epsilon")

    images = Images(b"", count=None)
    truth = traitlets.List(traitlets.Int()).tag(sync=True)
    defences = traitlets.List(traitlets.Unicode()).tag(sync=True)  # as `networks`, by their names
    ticked = traitlets.List(traitlets.Unicode()).tag(sync=True)
    attack = traitlets.Any("fgsm").tag(sync=True)
    epsilon = Number(0.25, 0, 0.4)
    steps = Whole(20, 1, 100)
    restarts = Whole(1, 1, 5)
    transferred = Flag()
    chosen = traitlets.Any(0).tag(sync=True)
    seed = Whole(0, 0, LAST_SEED)
    guess = traitlets.Unicode("").tag(sync=True)
    results = traitlets.Dict().tag(sync=True)
    attacked = Images(b"", count=None)

    def __init__(
        self,
        networks: Mapping[str, str] | None = None,
        images: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        ticked: Sequence[str] | None = None,
        attack: str = "fgsm",
        epsilon: float = 0.25,
        steps: int = 20,
        restarts: int = 1,
        transferred: bool = False,
        chosen: int = 0,
        seed: int = 0,
    ) -> None:
        networks = DEFENCES if networks is None else networks
        check_mapping(networks, "networks", "networks")
        if ticked is not None:
            if isinstance(ticked, str) or not is_sequence(ticked):
                raise TypeError(f"ticked: expected a sequence of names, got {ticked!r}")
            for name in ticked:
                check_choice(name, tuple(map(str, networks)), "ticked")
        named = [check_network(name, "networks") for name in networks.values()]
        if images is None:
            images, labels = bench_digits()
        labels = checked_labels(images, labels, MOST)
        super().__init__(
            networks=named, defences=[str(name) for name in networks], images=images,
            truth=labels.tolist(), attack=attack, epsilon=epsilon, steps=steps,
            restarts=restarts, transferred=transferred, seed=seed,
        )  # fmt: skip
        self.chosen = chosen
        self.ticked = self.defences[:2] if ticked is None else list(ticked)

    @traitlets.validate("attack")
    def _check_attack(self, proposal: traitlets.Bunch) -> str:
        check_choice(proposal["value"], ATTACKS, "attack")
        return proposal["value"]

    @traitlets.validate("chosen")
    def _check_chosen(self, proposal: traitlets.Bunch) -> int:
        return check_whole(proposal["value"], 0, len(self.truth) - 1, "chosen")

    @traitlets.validate("ticked")
    def _check_ticked(self, proposal: traitlets.Bunch) -> list[str]:
        for name in proposal["value"]:
            check_choice(name, tuple(self.defences), "ticked")
        return [name for name in self.defences if name in proposal["value"]]

    @traitlets.validate("guess")
    def _check_guess(self, proposal: traitlets.Bunch) -> str:
        if proposal["value"]:
            check_choice(proposal["value"], tuple(self.defences), "guess")
        return proposal["value"]

    def changed(self) -> dict[str, Tensor]:
        """The chosen digit's image for each defence attacked, float32 ``[1, 1, 28, 28]``.

        Rounded to 8 bits on its way from the page; none before an attack has ended.
        """
        parts: Any = to_tensor(self.attacked).split(1) if self.attacked else ()
        return dict(zip(self.results, parts, strict=False))
