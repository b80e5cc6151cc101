"""The mystery defence: the reader examines a hidden defence, and says what it is."""

from __future__ import annotations

import traitlets
from torch import Tensor

from foolkit.widgets.base import Widget
from foolkit.widgets.defence_bench import PER_CLASS, bench_digits, checked_labels
from foolkit.widgets.modules import module
from foolkit.widgets.traits import LAST_SEED, Images, Number, Whole

NETWORKS = ("lenet", "lenet-b", "lenet-pgd")  # behind the disguises, elsewhere, trained
MOST = 30  # digits: each test asks about all of them


class MysteryDefence(Widget):
    """One of six LeNets is hidden; the reader chooses tests, reads numbers, and names it.

    ``"plain"`` and ``"trained"`` are networks as they are, ``"steep"``, ``"rounded"`` and
    ``"rippled"`` hide the gradient of the first (``foolkit.models.disguises``), and ``"shaken"``
    covers the image with noise at each question (unlike in Python, it does not move it). Tests are
    one and many steps along the gradient of the cross-entropy, many steps that raise the margin,
    ``foolkit.gradients.blind``, images made on another network, noise of the same size, and the
    same questions twice. All is computed in the page; random numbers are the page's own.

    Every defence comes once before one comes again, in an order that follows the seed.

    Args:
        images: digits to attack, float32 ``[N, 1, 28, 28]`` in [0, 1], N at most 30; by default
            one of each class.
        labels: their classes, int64 ``[N]``; needed with ``images``.
        epsilon: largest change of a pixel, 0 to 0.4.
        steps: along a gradient, 1 to 100.
        questions: of the blind search about each digit, 1 to 1000.
        seed: of all that is random, 0 to 999999.

    Attributes:
        results: by the test's name what was counted so far of this defence: digits read rightly
            (``right`` of ``total``), and those at which the gradient was exactly zero (``flat``).
        guess, hidden: what the reader said, and what it was; "" before that.
        score, rounds: defences named rightly, and all.

    Raises:
        TypeError, ValueError: something that is not as described.
    """

    _esm = module("mystery_defence.js")
    shown = ("epsilon", "seed", "score", "rounds")

    images = Images(b"", count=None)
    truth = traitlets.List(traitlets.Int()).tag(sync=True)
    epsilon = Number(0.2, 0, 0.4)
    steps = Whole(20, 1, 100)
    questions = Whole(150, 1, 1000)
    seed = Whole(0, 0, LAST_SEED)
    results = traitlets.Dict().tag(sync=True)
    guess = traitlets.Unicode("").tag(sync=True)
    hidden = traitlets.Unicode("").tag(sync=True)
    score = traitlets.Int(0).tag(sync=True)
    rounds = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        images: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        epsilon: float = 0.2,
        steps: int = 20,
        questions: int = 150,
        seed: int = 0,
    ) -> None:
        if images is None:
            images, labels = (part[::PER_CLASS] for part in bench_digits())
        labels = checked_labels(images, labels, MOST)
        super().__init__(
            networks=list(NETWORKS), images=images, truth=labels.tolist(), epsilon=epsilon,
            steps=steps, questions=questions, seed=seed,
        )  # fmt: skip
