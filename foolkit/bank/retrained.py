"""Networks retrained with a class for what fooled them, round after round.

Nguyen et al. (2015, section 3.5): breed images against a LeNet, add them to the training digits as
an eleventh class, train a new LeNet, breed against that, add those too, and so on; with the two
``BUDGETS``. ``load`` reads what each round's network made of evolution, ``network`` is the last one
of a chain of the short one; ``python -m tools.bank.retrained`` does all of it anew, the short one
in a quarter of an hour on one core, the long one in an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from foolkit.bank.store import PLACE, read
from foolkit.checks import check_choice
from foolkit.models.classifier import Classifier
from foolkit.models.lenet import LeNet
from foolkit.models.precision import channels_last
from foolkit.models.shipped import fill


@dataclass(frozen=True)
class Budget:
    """What each round of a chain may cost.

    Attributes:
        file: of the bank.
        rounds: of retraining.
        runs: evolutions against each network.
        first: evolutions against the network of round 0, to seed the class with; of these ``runs``
            are reported.
        generations: of an evolution.
        until: a run ends before if all classes have this confidence; None: it does not.
    """

    file: str
    rounds: int
    runs: int
    first: int
    generations: int
    until: float | None = None


BUDGETS = {
    "short": Budget("retrained.npz", rounds=5, runs=20, first=60, generations=60),
    # as many as the paper's first images had, and its confidence
    "long": Budget(
        "retrained-long.npz", rounds=8, runs=3, first=45, generations=3_000, until=0.9999
    ),
}
CHAINS = ("lenet", "lenet-b")  # each begins with this shipped network
CHILDREN = 100  # of a generation
PATIENT_RUNS, PATIENCE = 10, 400  # against the last network of a chain, generations of each
ENOUGH = 0.99  # confidence at which a class counts as fooled, and an image is learned from
SEEDED, ADDED = 6_000, 1_000  # images of the new class at first, and more in each round
FOOLING = "fooling"  # the name of the class


@dataclass(frozen=True)
class Round:
    """What evolution made against one network of each chain; N elites.

    Attributes:
        images: float32 ``[N, 1, 28, 28]`` in [0, 1], 8-bit.
        classes: int64 ``[N]``, the digit each was bred for.
        confidence: float32 ``[N]``, in that class, of the network of the round.
        reached: int64 ``[N]``, the first generation with a confidence of ``ENOUGH``; -1: none.
        runs: int64 ``[N]``, numbered over all chains.
        chains: int64 ``[N]``, places in ``CHAINS``.
        accuracy: float64 ``[chains]``, of the round's network on the official test digits.
        learned: int64 ``[chains]``, images of the class that the network was trained on; None
            with the short budget, of which that was not kept.
    """

    images: Tensor
    classes: Tensor
    confidence: Tensor
    reached: Tensor
    runs: Tensor
    chains: Tensor
    accuracy: Tensor
    learned: Tensor | None = None


def load(budget: str = "short") -> list[Round]:
    """Round 0 is the network before any retraining; the last of the short ones is ``network``'s.

    Args:
        budget: ``"short"`` or ``"long"``.

    Raises:
        ValueError: an unknown budget.
    """
    check_choice(budget, tuple(BUDGETS), "budget")
    spent = BUDGETS[budget]
    held = read(spent.file)
    return [_round(held, str(number), spent.runs) for number in range(spent.rounds + 1)]


def patient() -> Round:
    """Longer evolutions against the last networks: ``PATIENCE`` generations."""
    return _round(read(BUDGETS["short"].file), "patient", PATIENT_RUNS)


def _round(held: Mapping[str, np.ndarray], name: str, runs: int) -> Round:
    images, confidence, reached, accuracy = (
        [torch.from_numpy(np.asarray(held[f"{chain}/{name}/{column}"])) for chain in CHAINS]
        for column in ("images", "confidence", "reached", "accuracy")
    )
    counts = [held.get(f"{chain}/{name}/learned") for chain in CHAINS]
    place = torch.arange(10 * runs).repeat(len(CHAINS))
    chains = torch.arange(len(CHAINS)).repeat_interleave(10 * runs)
    return Round(
        images=torch.cat(images).float().div_(255)[:, None],
        classes=place % 10,
        confidence=torch.cat(confidence),
        reached=torch.cat(reached).long(),
        runs=place // 10 + chains * runs,
        chains=chains,
        accuracy=torch.stack(accuracy).double(),
        learned=None if None in counts else torch.from_numpy(np.array(counts)).long(),
    )


def network(chain: str = "lenet") -> Classifier:
    """The network after the last round of a short chain: ten digits and the class ``"fooling"``.

    Raises:
        ValueError: an unknown chain.
    """
    check_choice(chain, CHAINS, "chain")
    module = LeNet(11)
    fill(module, PLACE / f"retrained-{chain}.safetensors")
    return eleven(module, f"{chain}, retrained {BUDGETS['short'].rounds} times")


def eleven(module: LeNet, name: str) -> Classifier:
    """A LeNet of eleven classes as a classifier with their names."""
    channels_last(module)
    classes = (*map(str, range(10)), FOOLING)
    return Classifier(module, input_shape=(1, 28, 28), classes=classes, name=name).eval()
