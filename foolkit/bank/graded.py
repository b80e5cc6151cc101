"""What is slow in grading eight defences: what attacks made, and the warning signs.

All are LeNets: as it is, trained on PGD, and behind each of ``foolkit.models.disguises``. The
attacks change the first ``DIGITS`` comparison digits by up to ``EPSILON``. ``images`` and
``signs`` read what is stored; ``python -m tools.bank.graded`` makes it anew, some ten minutes on
one core.
"""

from __future__ import annotations

from typing import cast, get_args

import torch
from torch import Tensor

from foolkit.analysis.grading import Sign
from foolkit.bank.store import read
from foolkit.checks import check_choice, check_count
from foolkit.models import load
from foolkit.models.classifier import Classifier, predict
from foolkit.models.disguises import Disguise, disguised
from foolkit.models.frozen import frozen

FILE = "graded.npz"
NETWORKS = ("plain", "trained", *get_args(Disguise))
RANDOM = "shaken"  # the one that answers at random
EACH = ("steps", "ratio", "square")  # along the gradient of two losses, and without any
ATTACKS = {name: EACH for name in NETWORKS} | {RANDOM: (*EACH, "expectation")}
DIGITS = 100
EPSILON = 51 / 255  # so that an 8-bit image holds the change as it is
DRAWS = 16  # of the expectation over what a random network draws
WORDS = ("name", "found", "remedy")  # of a sign


def network(name: str) -> Classifier:
    """One of ``NETWORKS``, in evaluation mode.

    Raises:
        ValueError: an unknown name.
    """
    check_choice(name, NETWORKS, "name")
    if name == "trained":
        return load("lenet-pgd")
    plain = load("lenet")
    return plain if name == "plain" else disguised(plain, cast(Disguise, name))


def attackable(name: str, draws: int = 1) -> Classifier:
    """One of ``NETWORKS`` as attacks want it: the random one is the mean of ``draws`` draws.

    Raises:
        TypeError, ValueError: an unknown name, or no number of draws.
    """
    draws = check_count(draws, "draws")
    net = network(name)
    return frozen(net, samples=draws) if name == RANDOM else net


def read_rightly(net: Classifier, images: Tensor, labels: Tensor, *, seed: int = 1) -> Tensor:
    """Which images get their label, bool ``[N]``.

    Each is asked about by itself, so that of a network that answers at random each answer is a
    draw of its own, and none that an attack has seen.
    """
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return predict(net, images, chunk=1).argmax(1) == labels


def images(name: str, attack: str) -> Tensor:
    """What an attack made of the digits, float32 ``[DIGITS, 1, 28, 28]`` in [0, 1], 8-bit.

    Args:
        name: of ``NETWORKS``, on which it was made.
        attack: ``"steps"`` (PGD on the cross-entropy), ``"ratio"`` (PGD on the
            difference-of-logits ratio), ``"square"``; of the random network ``"expectation"``, PGD
            on the mean of its draws.

    Raises:
        ValueError: an unknown name or attack.
    """
    check_choice(name, NETWORKS, "name")
    check_choice(attack, ATTACKS[name], "attack")
    return torch.from_numpy(read(FILE)[f"{name}/{attack}"]).float().div_(255)[:, None]


def signs(name: str) -> tuple[Sign, ...]:
    """What ``foolkit.analysis.warning_signs`` said of a network and these digits.

    Raises:
        ValueError: an unknown name.
    """
    check_choice(name, NETWORKS, "name")
    held = read(FILE)
    columns = [held[f"{name}/signs/{word}"].tolist() for word in WORDS]
    seen = held[f"{name}/signs/seen"].tolist()
    return tuple(
        Sign(called, was, found, remedy)
        for called, was, found, remedy in zip(columns[0], seen, *columns[1:], strict=True)
    )
