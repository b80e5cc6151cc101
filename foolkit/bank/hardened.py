"""LeNets trained on the worst image of a box, by one step and by many, watched pass by pass.

``curves`` has what each training was worth after every pass; ``verdicts`` what those that were
trained against 40 steps withstand, and ``network`` reads one of each kind. What is stored is what
there was time for: ``python -m tools.bank.hardened`` trains the rest, and goes on where it was
stopped.
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
from foolkit.models.shipped import DIGITS, fill

FILE = "hardened.npz"
EPSILON = 0.3  # of all trainings, of the pixel range
LENGTH = 0.01  # of each of the 40 steps
WATCHED = 500  # comparison digits that are attacked, after every pass and in the end
MEASURED = ("clean", "one step", "many steps")  # of the digits after a pass
ATTACKS = ("clean", "one step", "PGD", "ensemble")  # in the end


@dataclass(frozen=True)
class Training:
    """One way to train, all within ``EPSILON``.

    Attributes:
        rectified: whether the LeNet has a rectifier behind each pool.
        phases: (passes over the digits, steps of the attack), one after the other.
        start: whether the attack starts at a random place of the box.
        digits: of the training set, that it is shown.
        seeds: one network each.
        beta: of the loss of TRADES; None: the worst image takes the place of the image, as
            Madry et al. (2018) have it.
    """

    rectified: bool
    phases: tuple[tuple[int, int], ...]
    start: bool = True
    digits: int = 55_000
    seeds: int = 3
    beta: float | None = None


# Madry et al. (2018) take 40 steps throughout, for 100,000 batches of 50
MADRY = ((6, 4), (2, 40))
SINGLE = ((10, 1),)
TRAININGS = {
    "PGD-40, rectified": Training(True, MADRY),
    "PGD-40, plain": Training(False, MADRY),
    "TRADES": Training(True, MADRY, beta=1.0),  # as the authors' code has it for digits
    "one step": Training(True, SINGLE, start=False, digits=10_000),
    "one step, random start": Training(True, SINGLE, digits=10_000),
}
FORTY = ("PGD-40, rectified", "PGD-40, plain", "TRADES")  # attacked in the end


def file_of(name: str) -> str:
    """Where the bank has the weights of the first network of a training of ``FORTY``.

    Raises:
        ValueError: an unknown name.
    """
    check_choice(name, FORTY, "name")
    return f"hardened-{name.split()[-1].lower()}.safetensors"


def network(name: str) -> Classifier:
    """The first network of a training of ``FORTY``, in evaluation mode.

    Raises:
        ValueError: an unknown name.
    """
    file = file_of(name)
    module = LeNet(rectified=TRAININGS[name].rectified)
    fill(module, PLACE / file)
    channels_last(module)
    return Classifier(module, input_shape=(1, 28, 28), classes=DIGITS, name=name).eval()


def seeds(name: str) -> tuple[int, ...]:
    """Which seeds of a training are stored: those that there was time for.

    Raises:
        ValueError: an unknown name.
    """
    check_choice(name, tuple(TRAININGS), "name")
    return _seeds(read(FILE), name)


def _seeds(held: Mapping[str, np.ndarray], name: str) -> tuple[int, ...]:
    """Those that a file's columns are of."""
    found = {key.split("/")[1] for key in held if key.startswith(f"{name}/")}
    return tuple(sorted(map(int, found)))


def _columns(held: Mapping[str, np.ndarray], name: str, column: str) -> Tensor:
    """One column of a training, of all its seeds."""
    return torch.from_numpy(
        np.stack([held[f"{name}/{seed}/{column}"] for seed in _seeds(held, name)])
    )


def curves() -> dict[str, Tensor]:
    """What was read rightly after each pass, by training.

    Returns:
        float32 ``[S, P, 3]``: seeds, passes, and the shares as ``MEASURED``, of the first
        ``WATCHED`` comparison digits, many steps being 20 of 3 ``LENGTH`` from a random start.
    """
    held = read(FILE)
    return {name: _columns(held, name, "passes") for name in TRAININGS if _seeds(held, name)}


def verdicts() -> dict[str, dict[str, Tensor]]:
    """What the networks of ``FORTY`` still read rightly, by training and attack (``ATTACKS``).

    Returns:
        bool ``[S, WATCHED]``, the same digits in all. PGD takes 100 steps of ``LENGTH`` from five
        random starts; the ensemble is ``foolkit.gradients.ensemble`` with 50 steps and 1,000
        queries.
    """
    held = read(FILE)
    return {
        name: {attack: _columns(held, name, attack) for attack in ATTACKS}
        for name in FORTY
        if _seeds(held, name)
    }
