"""What the digit chapters measure on one LeNet, measured on each network of a family.

On two LeNets of the book and the members of ``foolkit.models.family``: who owns uniform noise, how
fast evolution fools, the smallest changes of digits, FGSM and gradient ascent. ``load`` reads it,
with the forgeries, so that any network can judge them again; ``python -m tools.bank.networks``
measures anew, one to two minutes a network on one core.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from foolkit.analysis.intervals import Interval, mean_interval
from foolkit.bank.store import read
from foolkit.checks import check_choice, check_count
from foolkit.models import Classifier, family
from foolkit.models import load as load_network

FILE = "networks.npz"
# LeNets trained four times as long as the LeNets of the family: that of the chapters, and a twin
BOOK = ("lenet", "lenet-b")
NAMES = (*BOOK, *family.NAMES)  # all that the program measures
UNIFORM = 10_000  # images of uniform noise
# of 200 children, as in the chapters: pixels, formulas, and two controls of these
GENERATIONS = {"noise": 200, "patterns": 70, "smooth": 70, "shuffled": 70}
RUNS = {"noise": 2, "patterns": 3, "smooth": 2, "shuffled": 2}
SHOWN = ("noise", "patterns")  # whose elites are stored
FORMULAS = 5_200  # random ones: what 25 generations and the first population judge
DIGITS = 100  # that are changed as little as possible: the first that the network reads rightly
KEPT = 40  # of them whose images are stored
STEPPED = 1000  # digits for FGSM
EPSILON = 0.25  # of FGSM, not clipped
PAINTED = 30  # images of gradient ascent, three of each class
STEPS = 200  # of ascent, at most
LEVEL = 0.9999  # of confidence


@dataclass(frozen=True)
class Networks:
    """Measurements of M networks; the first is that of the digit chapters, the second its twin.

    Attributes:
        names: M, as ``foolkit.bank.networks.network`` takes them.
        designs: M, of ``foolkit.models.family.DESIGNS``; of ``BOOK`` it is ``"lenet"``.
        uniform: int64 ``[M, 10]``, how many of ``UNIFORM`` images of uniform noise are called
            each class.
        luck: float32 ``[M, 10]``, the highest confidence among them in each class.
        history: float32 ``[M, runs, generations + 1, 10]``, confidence of the elites, for
            ``"noise"`` (``Pixels``), ``"patterns"`` (``CPPN``), ``"smooth"`` (pixels that are
            blurred over 5 x 5, at the contrast of before) and ``"shuffled"`` (formulas whose
            pixels are put in another, fixed order).
        elites: float32 ``[M, runs, 10, 1, 28, 28]`` in [0, 1], of the last generation, 8-bit, for
            ``SHOWN``.
        random: float32 ``[M, 10]``, the highest confidence in each class among ``FORMULAS``
            random formulas.
        distortion: float32 ``[M, DIGITS]``, RMS over the pixels of the smallest changes that
            L-BFGS found; NaN where it found none.
        shaken: bool ``[M, DIGITS]``, whether Gaussian noise of the same size fooled.
        neighbours: float32 ``[M, KEPT, 1, 28, 28]`` in [0, 1]: changed digits, a tenth further
            than the boundary and 8-bit.
        truth: int64 ``[M, KEPT]``, their labels.
        stepped: float64 ``[M, 2]``: share of digits misread after FGSM, and the mean confidence
            in these mistakes.
        climbed: int64 ``[M, PAINTED]``, steps of ascent to ``LEVEL``; -1: not in ``STEPS``.
    """

    names: tuple[str, ...]
    designs: tuple[str, ...]
    uniform: Tensor
    luck: Tensor
    history: dict[str, Tensor]
    elites: dict[str, Tensor]
    random: Tensor
    distortion: Tensor
    shaken: Tensor
    neighbours: Tensor
    truth: Tensor
    stepped: Tensor
    climbed: Tensor

    def over(self, values: Tensor) -> Interval[float]:
        """The mean of a figure over the family, with its interval over designs and then seeds.

        The book's own networks are no members: its chapters were written on them.

        Args:
            values: float ``[M]``, or bool for a share, of each network.

        Raises:
            ValueError: not one value a network.
        """
        if values.shape != (len(self.names),):
            raise ValueError(
                f"values: expected one of each of {len(self.names)} networks, got"
                f" {list(values.shape)}"
            )
        known = list(dict.fromkeys(self.designs))
        designs = torch.tensor([known.index(design) for design in self.designs])
        members = values if values.dtype == torch.bool else values.double()
        return mean_interval(members[self.member], networks=designs[self.member])

    def passed(self, kind: str, level: float) -> Tensor:
        """The generation at which the median digit reached ``level``, of the middle run.

        Args:
            kind: of ``GENERATIONS``.
            level: of confidence, in (0, 1].

        Returns:
            float64 ``[M]``; infinite where the middle run (of two, the later) never did.
        """
        check_choice(kind, tuple(GENERATIONS), "kind")
        there = self.history[kind].quantile(0.5, dim=3) >= level  # network, run, generation
        when = there.int().argmax(2).double().where(there.any(2), torch.inf)
        return when.quantile(0.5, dim=1, interpolation="higher")

    def certain(self, kind: str, generation: int, level: float = LEVEL) -> Tensor:
        """How many of the ten digits are at ``level`` by then: float64 ``[M]``, mean of the runs.

        Raises:
            ValueError: an unknown kind, or a generation that its runs do not have.
        """
        check_choice(kind, tuple(GENERATIONS), "kind")
        check_count(generation, "generation", minimum=0, most=GENERATIONS[kind])
        return (self.history[kind][:, :, generation] >= level).double().sum(2).mean(1)

    def joined(self, other: Networks) -> Networks:
        """These networks and then those of ``other``; ``over`` still is over the family alone."""
        both: dict[str, Any] = {}
        for name, mine in vars(self).items():
            theirs = getattr(other, name)
            if isinstance(mine, dict):
                both[name] = {kind: torch.cat([mine[kind], theirs[kind]]) for kind in mine}
            else:
                both[name] = torch.cat([mine, theirs]) if torch.is_tensor(mine) else mine + theirs
        return Networks(**both)

    @property
    def member(self) -> Tensor:
        """bool ``[M]``: which are of the family, and not the book's own."""
        return torch.tensor([name in family.NAMES for name in self.names])


def network(name: str) -> Classifier:
    """One of ``NAMES``: a LeNet of the book or a member of the family.

    Raises:
        ValueError: another name.
    """
    check_choice(name, NAMES, "name")
    return load_network(name if name in BOOK else family.PREFIX + name)


def load() -> Networks:
    """All that is stored of the networks that were measured, in the order of ``NAMES``."""
    designs = {n: "lenet" if n in BOOK else family.design_of(n) for n in NAMES}
    return stored(FILE, designs)


def stored(file: str, designs: Mapping[str, str]) -> Networks:
    """What a file of the bank has of the networks that ``designs`` names, in that order.

    Args:
        file: as ``python -m tools.bank.networks`` or ``later`` writes it.
        designs: of each network by name, how it is built.
    """
    held = read(file)
    names = tuple(name for name in designs if f"{name}/uniform" in held)

    def column(key: str) -> Tensor:
        return torch.stack([torch.from_numpy(held[f"{name}/{key}"]) for name in names])

    def images(key: str) -> Tensor:
        return column(key).float().div_(255).unsqueeze(-3)

    return Networks(
        names=names,
        designs=tuple(designs[name] for name in names),
        uniform=column("uniform").long(),
        luck=column("luck"),
        history={kind: column(f"{kind}/history") for kind in GENERATIONS},
        elites={kind: images(f"{kind}/images") for kind in SHOWN},
        random=column("random"),
        distortion=column("distortion"),
        shaken=column("shaken"),
        neighbours=images("neighbours"),
        truth=column("truth").long(),
        stepped=column("stepped"),
        climbed=column("climbed").long(),
    )
