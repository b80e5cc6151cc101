"""Attacks eight defences and looks for signs: ``python -m tools.bank.graded``.

It stops and goes on: ``--checkpoints`` holds each part that is done.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from foolkit.analysis import warning_signs
from foolkit.bank.graded import (
    ATTACKS,
    DIGITS,
    DRAWS,
    EPSILON,
    FILE,
    NETWORKS,
    WORDS,
    attackable,
    network,
)
from foolkit.files import as_bytes
from foolkit.gradients import pgd, square
from foolkit.gradients.sign import Loss
from foolkit.models import comparison_digits
from tools.bank.program import options, write

QUERIES = 500  # of Square
STEPS = 20  # along gradients


def changed(name: str, attack: str, digits: int) -> np.ndarray:
    """The images that an attack makes, uint8 ``[digits, 28, 28]``."""
    shown, labels = (part[:digits] for part in comparison_digits())
    net = attackable(name, DRAWS if attack == "expectation" else 1)
    common: dict[str, Any] = {"epsilon": EPSILON, "progress": False}
    if attack == "square":
        made = square(net, shown, labels, steps=QUERIES, **common)
    else:
        loss: Loss = "dlr" if attack == "ratio" else "cross-entropy"
        made = pgd(net, shown, labels, steps=STEPS, loss=loss, **common)
    return as_bytes(made.images)[:, 0].numpy()


def seen(name: str, digits: int) -> dict[str, np.ndarray]:
    """The columns of a network's warning signs."""
    found = warning_signs(
        network(name), *(part[:digits] for part in comparison_digits()),
        epsilon=EPSILON, steps=STEPS, queries=QUERIES,
    )  # fmt: skip
    words = {word: np.array([getattr(sign, word) for sign in found]) for word in WORDS}
    return words | {"seen": np.array([sign.seen for sign in found])}


def part(name: str, what: str, digits: int = DIGITS) -> dict[str, np.ndarray]:
    """The columns of an attack on a network, or of its ``"signs"``."""
    if what == "signs":
        return {f"{name}/signs/{word}": column for word, column in seen(name, digits).items()}
    return {f"{name}/{what}": changed(name, what, digits)}


def main() -> None:
    """Command line: all parts, or those that are missing."""
    parser = options("graded", __doc__)
    parser.add_argument("--checkpoints", type=Path, default=Path("runs/graded"))
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)  # of gradients: they are the subject
    stored: dict[str, np.ndarray] = {}
    for name in NETWORKS:
        for what in (*ATTACKS[name], "signs"):
            path = chosen.checkpoints / f"{name}-{what}.npz"
            if not path.exists():
                write(chosen.checkpoints, path.name, part(name, what))
                print(f"{name}, {what}: done", flush=True)
            with np.load(path) as held:
                stored |= {column: held[column] for column in held.files}
    write(chosen.out, FILE, stored)


if __name__ == "__main__":
    main()
