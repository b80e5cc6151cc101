"""Trains on wrong labels anew: ``python -m tools.bank.features --checkpoints FOLDER``.

A file of each training set and of each new network is kept in that folder, so that a stopped run
goes on.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from foolkit.bank.features import (
    DESIGNS,
    DIGITS,
    EPSILON,
    FILE,
    LABELS,
    ROBUST,
    SEEDS,
    SETS,
    SOURCE,
)
from foolkit.data import mnist
from foolkit.files import as_bytes
from foolkit.gradients import noise, pgd
from foolkit.models import family, load, predict
from foolkit.models.train import Recipe, fit, training_digits
from tools.bank.program import options, write

STEPS = 20  # of the gradient
RECIPES = {
    "lenet": Recipe("LeNet", epochs=6),
    "dense": Recipe("dense", epochs=20, batch=100, learning_rate=0.05),
}  # as of the shipped LeNet and of the family, for another number of digits


def digits_of(seed: int) -> tuple[Tensor, Tensor]:
    """The training digits of one seed, which no other seed has, and their classes."""
    images, labels = training_digits("train")
    part = slice(seed * DIGITS, (seed + 1) * DIGITS)
    return images[part], labels[part]


def goals_of(kind: str, labels: Tensor, seed: int) -> Tensor:
    """The labels of a training set: drawn (a tenth keep theirs), or the class after."""
    if kind == "next":
        return (labels + 1) % 10
    return torch.randint(10, labels.shape, generator=torch.Generator().manual_seed(seed))


def moved(images: Tensor, goals: Tensor) -> Tensor:
    """The images, moved towards their goals by the source's gradient; ``[N, 1, 28, 28]``."""
    return pgd(
        load(SOURCE), images, goals, epsilon=EPSILON, norm="2", steps=STEPS,
        step_size=2.5 * EPSILON / STEPS, random_start=False, targeted=True, progress=False,
    ).images  # fmt: skip


def training_sets(kind: str, seed: int) -> dict[str, np.ndarray]:
    """All sets of one kind of labels and one seed, uint8 ``[N, 28, 28]``, and what they are."""
    images, labels = digits_of(seed)
    goals = goals_of(kind, labels, seed)
    sets = {
        "moved": as_bytes(moved(images, goals)[:, 0]),
        "noise": as_bytes(
            noise(load(SOURCE), images, labels, size=EPSILON, seed=seed).images[:, 0]
        ),
        "unmoved": as_bytes(images[:, 0]),
    }
    other = goals != labels
    shown = sets["moved"][other].float().div(255)[:, None]
    first = torch.stack([(labels == digit).nonzero()[0, 0] for digit in range(10)])  # to be shown
    facts = {
        "called": _share(load(SOURCE), shown, goals[other]),
        "kept": _share(load(ROBUST), shown, labels[other]),
        "old": labels[first],
        "goals": goals[first],
        "digits": sets["unmoved"][first],
        "moved": sets["moved"][first],
    }
    return {
        "labels": goals.numpy(),
        **{f"set/{name}": made.numpy() for name, made in sets.items()},
        **{f"fact/{name}": fact.numpy() for name, fact in facts.items()},
    }


def _share(net: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    return (predict(net, images).argmax(1) == classes).double().mean()


def confusion(design: str, images: Tensor, labels: Tensor, seed: int) -> Tensor:
    """Train a new network of a design; what it says of the clean test digits ``[10, 10]``."""
    torch.manual_seed(200 + seed)
    net = family.DESIGNS[design]()
    fit(net, images, labels, RECIPES[design], progress=False)
    shown, truth = mnist("test")
    given = predict(net, shown).argmax(1)
    return (10 * truth + given).bincount(minlength=100).view(10, 10)


def main() -> None:
    """Command line: make and train what is not there yet, then write what the networks said."""
    parser = options("features", __doc__)
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder of one file each")
    chosen = parser.parse_args()
    folder: Path = chosen.checkpoints
    stored: dict[str, list[np.ndarray]] = {}
    for seed, kind in tqdm(list(product(SEEDS, LABELS)), unit=" sets"):
        kept = folder / f"sets-{kind}-{seed}.npz"
        if not kept.exists():
            write(folder, kept.name, training_sets(kind, seed))
        with np.load(kept) as held:
            sets = {name: torch.from_numpy(held[name]) for name in held.files}
        for name, column in sets.items():
            if name.startswith("fact/"):
                stored.setdefault(f"{kind}/{name.removeprefix('fact/')}", []).append(column.numpy())
        for shown, design in product(SETS, DESIGNS):
            said = folder / f"said-{kind}-{shown}-{design}-{seed}.npz"
            if not said.exists():
                images = sets[f"set/{shown}"].float().div(255)[:, None]
                counts = confusion(design, images, sets["labels"], seed).numpy()
                write(folder, said.name, {"confusion": counts})
                right = np.trace(counts) / counts.sum()
                after = np.trace(np.roll(counts, -1, 1)) / counts.sum()
                tqdm.write(f"{said.stem}: right {right:.3f}, the class after {after:.3f}")
            with np.load(said) as held:
                stored.setdefault(f"{kind}/{shown}/{design}/confusion", []).append(
                    held["confusion"].astype(np.int16)
                )
    once = ("old", "goals", "digits", "moved")  # of the first seed alone
    columns = {
        name: parts[0] if name.endswith(once) else np.stack(parts) for name, parts in stored.items()
    }
    write(chosen.out, FILE, columns)


if __name__ == "__main__":
    main()
