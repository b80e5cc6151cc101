"""Features, not bugs (Ilyas et al. 2019, section 3.2): trained on digits with wrong labels.

Each digit of a training set is moved within a ball towards another class by the gradient of one
network, and is labelled as that class. New networks, trained on nothing else, are asked about
clean digits. ``load`` reads what they said; ``python -m tools.bank.features`` trains them anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from foolkit.analysis.intervals import Interval, mean_interval
from foolkit.bank.store import read
from foolkit.checks import check_choice

FILE = "features.npz"
SOURCE = "lenet"  # whose gradient moves the digits
ROBUST = "lenet-pgd"  # which reads what small changes leave: does it still see the old digit?
# L2 ball: of 1, 1.5, 2 and 3 the first in which the source called four of five of 400 digits by
# their goal
EPSILON = 3.0
DIGITS = 10_000  # of a training set, other ones for each seed
SEEDS = (0, 1, 2)  # of digits, goals and the new network
# how a digit of class a gets its label: drawn, or a + 1
LABELS = ("random", "next")
# the images of a training set: moved by the gradient, or controls with the same labels
SETS = {
    "moved": "moved",
    "noise": "random noise",
    "unmoved": "not moved",
}
DESIGNS = ("lenet", "dense")  # of the new networks: that of the source, and another


@dataclass(frozen=True)
class Features:
    """What was said of clean test digits, and what the training sets look like.

    Attributes:
        confusion: of labels, set and design, int64 ``[S, 10, 10]``: of S seeds, how many digits
            of the true class (row) were given which class (column).
        called: of labels, float64 ``[S]``: the share of the moved images, among those whose label
            is not the old class, that the source network gives their label.
        kept: likewise, the share to which ``ROBUST`` gives the old class.
        digits: of labels, float32 ``[10, 1, 28, 28]`` in [0, 1], one of each class, before they
            were moved.
        moved: of labels, the same digits after it.
        old, goals: of labels, int64 ``[10]``: their classes, and the labels of the set.
    """

    confusion: dict[tuple[str, str, str], Tensor]
    called: dict[str, Tensor]
    kept: dict[str, Tensor]
    digits: dict[str, Tensor]
    moved: dict[str, Tensor]
    old: dict[str, Tensor]
    goals: dict[str, Tensor]

    def right(
        self, labels: str, shown: str, design: str = "lenet", shift: int = 0
    ) -> Interval[float]:
        """The share of clean test digits that get their true class; an interval over the seeds.

        Args:
            labels: of ``LABELS``.
            shown: of ``SETS``.
            design: of ``DESIGNS``.
            shift: 1 counts the class after the true one (after 9 comes 0) as right.

        Raises:
            ValueError: an unknown name.
        """
        check_choice(labels, LABELS, "labels")
        check_choice(shown, tuple(SETS), "shown")
        check_choice(design, DESIGNS, "design")
        counts = self.confusion[labels, shown, design].double()
        wanted = counts.roll(-shift, 2).diagonal(dim1=1, dim2=2).sum(1)
        return mean_interval(wanted / counts.sum((1, 2)))


def load() -> Features:
    """All that is stored."""
    held = {name: torch.from_numpy(column) for name, column in read(FILE).items()}

    def of(column: str) -> dict[str, Tensor]:
        return {labels: held[f"{labels}/{column}"] for labels in LABELS}

    def images(column: str) -> dict[str, Tensor]:
        return {labels: part.float().div(255)[:, None] for labels, part in of(column).items()}

    return Features(
        confusion={
            names: held["/".join((*names, "confusion"))].long()
            for names in product(LABELS, SETS, DESIGNS)
        },
        called=of("called"),
        kept=of("kept"),
        digits=images("digits"),
        moved=images("moved"),
        old=of("old"),
        goals=of("goals"),
    )
