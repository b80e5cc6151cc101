"""The shipped trainings of a LeNet from other first weights: how much does a network matter?

Each of ``NETWORKS`` was trained by its recipe from three seeds, of which the first is the shipped
one. ``withstood`` says what every network still reads rightly under each attack, ``crossed`` what
images made on one are worth on another, ``fooled`` where evolution and the gradient arrive from
nothing, ``scores`` how sure each is of digits and of images that are none.
``python -m tools.bank.reseeded`` does all of it anew, about an hour of one core.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from foolkit.bank.defended import NETWORKS
from foolkit.bank.store import read
from foolkit.checks import check_choice

FILE = "reseeded.npz"
SEEDS = (0, 4, 5)  # 1 to 3 are those of other shipped LeNets
ATTACKED = 500  # comparison digits
SIZES = {"goodfellow": 0.25, "madry": 0.3}  # of the boxes, after the papers whose they are
ATTACKS = ("clean", "noise", "fgsm", "pgd", "transfer", "evolution")  # within the first box
STEPS, RESTARTS, GENERATIONS = 40, 5, 500  # of them
CROSSED = (("lenet", "lenet-fgsm"), ("lenet-fgsm", "lenet"))  # made on, read by
RUNS = 10  # evolutions against each network, in each encoding
WAYS = ("direct", "cppn", "ascent")  # from nothing
OUTSIDERS = ("Gaussian noise", "coin tosses", "negatives")  # of Hendrycks et al. (2019)
SCORED = ("lenet", "lenet-exposed")  # the networks whose scores are kept
DRAWN = 1_000  # of each, and digits


def withstood() -> dict[str, dict[str, Tensor]]:
    """What is read rightly, by network and attack.

    Returns:
        bool ``[3, ATTACKED]``: seeds, and the first comparison digits. Under each of ``ATTACKS``
        at 0.25, as ``foolkit.analysis.robustness`` has them; and ``"fgsm 0.3"``, ``"pgd 0.3"``.
    """
    held = read(FILE)
    return {name: _columns(held, name, (*ATTACKS, "fgsm 0.3", "pgd 0.3")) for name in NETWORKS}


def confident() -> dict[str, Tensor]:
    """How sure each network is of what it misreads under one step at 0.25, by network.

    Returns:
        float32 ``[3]``: the mean confidence of those digits.
    """
    held = read(FILE)
    return {name: _columns(held, name, ("sure",))["sure"] for name in NETWORKS}


def crossed() -> dict[tuple[str, str], Tensor]:
    """What one network reads rightly of digits after one step at 0.25 on another of the seed.

    Returns:
        by (made on, read by), of ``CROSSED``: bool ``[3, ATTACKED]``.
    """
    held = read(FILE)
    return {(maker, judge): _columns(held, judge, (maker,))[maker] for maker, judge in CROSSED}


def fooled() -> dict[tuple[str, str], Tensor]:
    """Which classes were reached from nothing, by network and one of ``WAYS``.

    Returns:
        bool ``[3, RUNS, 10]``: seeds, runs, classes. Evolved noise and patterns
        (``foolkit.bank.defended`` says how) at 99 %, painted images at 99.99 %.
    """
    held = read(FILE)
    return {
        (name, way): made for name in NETWORKS for way, made in _columns(held, name, WAYS).items()
    }


def scores(name: str) -> dict[str, Tensor]:
    """``MaxSoftmax`` of images, of the networks of one training.

    Args:
        name: of ``SCORED``.

    Returns:
        float32 ``[3, DRAWN]``: of the comparison digits, ``"digits"``, of others that set a
        threshold, ``"held"``, and of each of ``OUTSIDERS``.

    Raises:
        ValueError: another name.
    """
    check_choice(name, SCORED, "name")
    return _columns(read(FILE), name, ("digits", "held", *OUTSIDERS))


def _columns(
    held: Mapping[str, np.ndarray], name: str, columns: tuple[str, ...]
) -> dict[str, Tensor]:
    """Columns of a training, of all its seeds."""
    return {
        column: torch.stack([torch.from_numpy(held[f"{seed}/{name}/{column}"]) for seed in SEEDS])
        for column in columns
    }
