"""What the digit chapters measure on one LeNet, measured on each network of a family.

On two LeNets of the book and the members of ``foolkit.models.family``: who owns random images, how
fast evolution fools, the smallest changes of digits and how straight the network is on the way,
FGSM, gradient ascent, rays to far away, and what each makes of the forgeries of every other.
``load`` reads it, and ``forgeries`` has the images, so that any network can judge them again;
``python -m tools.bank.networks`` measures anew, one to two minutes a network on one core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from foolkit.analysis.forgeries import Forgeries
from foolkit.analysis.intervals import Interval, Pairs, mean_interval, pair_intervals
from foolkit.bank.store import read
from foolkit.checks import check_choice, check_count
from foolkit.data import digits
from foolkit.models import Classifier, family, predict
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
PAINTED_KEPT = 20  # of them whose images are stored
STEPS = 200  # of ascent, at most
BENT = (0.5, 1, 2, 4)  # times the median smallest change: where straightness is measured
WAYS = ("gradient", "random")  # of the loss; of chance
ROOM = ("uniform", "coins", "smooth")  # random images, as ``foolkit.analysis.class_shares`` draws
ROOM_IMAGES = 3_000  # of each
SURE = 0.9  # of them
RAYS = 200  # from digits, in random directions
WALKED = (0, 1, 3, 10, 30, 100, 1e3, 1e4, 1e5)  # distances
FAR_SURE = 0.99  # of a point of a ray
FORGED = ("noise", "patterns", "painted", "neighbours", "magnified")  # shown to every network
MAGNIFIED = 0.1  # RMS over the pixels to which the change of a neighbour is lengthened
LEVEL = 0.9999  # of confidence


@dataclass(frozen=True)
class Measured:
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
        members = values if values.dtype == torch.bool else values.double()
        return mean_interval(members[self.member], networks=self._groups)

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

    def joined(self, other: Measured) -> Measured:
        """These networks and then those of ``other``; ``over`` still is over the family alone."""
        both: dict[str, Any] = {}
        for field in fields(Measured):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            if isinstance(mine, dict):
                both[field.name] = {kind: torch.cat([mine[kind], theirs[kind]]) for kind in mine}
            else:
                joint = torch.cat([mine, theirs]) if torch.is_tensor(mine) else mine + theirs
                both[field.name] = joint
        return Measured(**both)

    @property
    def _groups(self) -> Tensor:
        """The design of each member as a number."""
        known = list(dict.fromkeys((*family.DESIGNS, *self.designs)))
        return torch.tensor([known.index(design) for design in self.designs])[self.member]

    @property
    def member(self) -> Tensor:
        """bool ``[M]``: which are of the family, and not the book's own."""
        return torch.tensor([name in family.NAMES for name in self.names])


@dataclass(frozen=True)
class Networks(Measured):
    """The family and the book's own LeNets: more of each, and what each makes of the others.

    Attributes:
        digit: int64 ``[M, KEPT]``, which of the embedded digits the neighbours were.
        bend: float32 ``[M, WAYS, BENT]``, departure from the tangent
            (``foolkit.analysis.bend_from_tangent``), the median of ``DIGITS`` digits.
        room: int64 ``[M, ROOM, 2, 10]``, how many of ``ROOM_IMAGES`` random images are called each
            class, and how many of them with a confidence of ``SURE``.
        rays: float64 ``[M, WALKED]``, share of ``RAYS`` with a confidence of ``FAR_SURE``.
        painted: float32 ``[M, PAINTED_KEPT, 1, 28, 28]`` in [0, 1], of gradient ascent.
        transfer: float64 ``[M, M]`` of each of ``FORGED``: of the images made on one network (row),
            the share that another (column) gives their class, or, of neighbours, misreads.
        control: likewise, of images without the skill (``Forgeries.control``).
        certain_both: of noise, patterns and painted images that have ``LEVEL`` on their own
            network, the share that has it on another, too.
    """

    digit: Tensor
    bend: Tensor
    room: Tensor
    rays: Tensor
    painted: Tensor
    transfer: dict[str, Tensor]
    control: dict[str, Tensor]
    certain_both: dict[str, Tensor]

    def between(self, values: Tensor) -> Pairs:
        """The mean of a figure over pairs of the family: of one design, and of two.

        Args:
            values: float ``[M, M]`` of every pair, from row to column.

        Raises:
            ValueError: not one value a pair.
        """
        return pair_intervals(self._members(values), self._groups)

    def by_design(self, values: Tensor) -> Tensor:
        """Its means over the pairs from each design to each: float64 ``[D, D]``.

        A network and itself are no pair: the diagonal is that of other seeds.

        Args:
            values: float ``[M, M]`` of every pair, from row to column.

        Raises:
            ValueError: not one value a pair.
        """
        members, groups = self._members(values), self._groups
        of = torch.nn.functional.one_hot(groups).double()  # network, design
        pairs = of.T @ (1 - torch.eye(len(groups), dtype=torch.float64)) @ of
        return of.T @ members.fill_diagonal_(0) @ of / pairs

    def _members(self, values: Tensor) -> Tensor:
        """Of pairs of networks those of the family: float64, a copy."""
        size = len(self.names)
        if values.shape != (size, size):
            raise ValueError(
                f"values: expected one of each pair of {size} networks, got {list(values.shape)}"
            )
        return values[self.member][:, self.member].double()


def network(name: str) -> Classifier:
    """One of ``NAMES``: a LeNet of the book or a member of the family.

    Raises:
        ValueError: another name.
    """
    check_choice(name, NAMES, "name")
    return load_network(name if name in BOOK else family.PREFIX + name)


def forgeries(name: str, kind: str, held: Mapping[str, np.ndarray] | None = None) -> Forgeries:
    """What was made on one network and fools it, as 8-bit images.

    Args:
        name: of ``NAMES``.
        kind: of ``FORGED``. Neighbours have originals and truth, also those magnified.
        held: the columns, by default those that are stored.

    Raises:
        ValueError: another name or kind.
    """
    check_choice(kind, FORGED, "kind")
    net, columns = network(name), read(FILE) if held is None else held
    file = "neighbours" if kind in ("neighbours", "magnified") else f"{kind}/images"
    stored = torch.from_numpy(columns[f"{name}/{file}"]).float().div(255)
    images = stored.view(-1, *net.input_shape)
    if file == "neighbours":
        every, labels = digits()
        shown = torch.from_numpy(columns[f"{name}/digit"]).long()
        originals, truth = every[shown], labels[shown]
        if kind == "magnified":
            change = images - originals
            size = change.square().mean((1, 2, 3), keepdim=True).sqrt()
            images = (originals + MAGNIFIED * change / size).clamp(0, 1)
        classes = predict(net, images).argmax(1)
        fools = classes != truth
        return Forgeries(
            images[fools], classes[fools], originals=originals[fools], truth=truth[fools]
        )
    classes = torch.arange(len(images)) % 10
    # the ten elites of an evolution are one run, of painted images each is its own
    runs = torch.arange(len(images)) // (1 if kind == "painted" else 10)
    fools = predict(net, images).argmax(1) == classes
    return Forgeries(images[fools], classes[fools], runs[fools])


def load() -> Networks:
    """All that is stored of the networks that were measured, in the order of ``NAMES``."""
    designs = {n: "lenet" if n in BOOK else family.design_of(n) for n in NAMES}
    column, every = columns_of(FILE, designs)
    return Networks(
        **every,
        digit=column("digit").long(),
        bend=column("bend"),
        room=column("room").long(),
        rays=column("rays"),
        painted=column("painted/images").float().div_(255).unsqueeze(-3),
        transfer={kind: column(f"{kind}/transfer").double() for kind in FORGED},
        control={kind: column(f"{kind}/control").double() for kind in FORGED},
        certain_both={kind: column(f"{kind}/certain").double() for kind in FORGED[:3]},
    )


def stored(file: str, designs: Mapping[str, str]) -> Measured:
    """What a file of the bank has of the networks that ``designs`` names, in that order.

    Args:
        file: as ``python -m tools.bank.networks`` or ``later`` writes it.
        designs: of each network by name, how it is built.
    """
    return Measured(**columns_of(file, designs)[1])


def columns_of(
    file: str, designs: Mapping[str, str]
) -> tuple[Callable[[str], Tensor], dict[str, Any]]:
    """A function from a column's name to its values of all networks; what ``Measured`` has."""
    held = read(file)
    names = tuple(name for name in designs if f"{name}/uniform" in held)

    def column(key: str) -> Tensor:
        return torch.stack([torch.from_numpy(held[f"{name}/{key}"]) for name in names])

    def images(key: str) -> Tensor:
        return column(key).float().div_(255).unsqueeze(-3)

    return column, {
        "names": names,
        "designs": tuple(designs[name] for name in names),
        "uniform": column("uniform").long(),
        "luck": column("luck"),
        "history": {kind: column(f"{kind}/history") for kind in GENERATIONS},
        "elites": {kind: images(f"{kind}/images") for kind in SHOWN},
        "random": column("random"),
        "distortion": column("distortion"),
        "shaken": column("shaken"),
        "neighbours": images("neighbours"),
        "truth": column("truth").long(),
        "stepped": column("stepped"),
        "climbed": column("climbed").long(),
    }
