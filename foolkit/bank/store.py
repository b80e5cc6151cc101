"""The file of the bank, and its card."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import torch

from foolkit.analysis.forgeries import Forgeries
from foolkit.checks import check_choice, check_count, check_fraction, check_names
from foolkit.models.estimators import comparison_digits

VICTIMS = ("lenet", "fc100-100-10", "resnet")
FAMILIES = ("lbfgs", "direct", "cppn", "ascent")
# of every forgery: the class it was made for (lbfgs: that it is given), what its own network says
# of the 8-bit image, the run and its seed, and which comparison digit it was (or -1)
COLUMNS = {
    "classes": np.int8, "predicted": np.int8, "confidence": np.float32, "run": np.int16,
    "seed": np.int32, "digit": np.int16,
}  # fmt: skip
PLACE = files("foolkit.bank")
FILE, CARD = "forgeries.npz", "card.json"


def load(
    *,
    victims: Sequence[str] = VICTIMS,
    families: Sequence[str] = FAMILIES,
    least: float = 0.0,
    every: int = 1,
) -> dict[str, Forgeries]:
    """Forgeries of each family that still fool their own network as 8-bit images.

    Runs are grouped as ``foolkit.analysis.transfer`` wants them: the ten elites of an evolution
    are one run; a perturbed digit, and an image painted by the gradient, is each its own.

    Args:
        victims: the networks they were made on, of ``VICTIMS``; networks are numbered by their
            place in ``VICTIMS``.
        families: ``"lbfgs"`` (digits changed as little as possible; with originals and true
            classes), ``"direct"`` and ``"cppn"`` (evolved), ``"ascent"`` (painted by the
            gradient, from noise).
        least: leave out those of which their own network is less certain, in [0, 1].
        every: take only every so-many-th stored image; 3 takes three or four elites of each run.
            A number that shares a factor with 10 takes only some of the classes.

    Raises:
        ValueError: an unknown name; or nothing is that certain.
    """
    victims, families = check_names(victims, "victims"), check_names(families, "families")
    for victim in victims:
        check_choice(victim, VICTIMS, "victims")
    for family in families:
        check_choice(family, FAMILIES, "families")
    check_fraction(least, "least")
    least = float(least)
    check_count(every, "every")
    stored = read()
    return {
        family: Forgeries.join([_forgeries(stored, v, family, least, every) for v in victims])
        for family in families
    }


def card() -> dict[str, Any]:
    """How the bank was made, and what it holds of each family and network."""
    return json.loads((PLACE / CARD).read_text("utf-8"))


def read(file: str = FILE) -> dict[str, np.ndarray]:
    """The arrays of a file beside this: of the bank, named ``"victim/family/column"``.

    All columns of one part are equally long; ``images`` are uint8 ``[N, 28, 28]``; the others
    are named in ``COLUMNS``.
    """
    content = (PLACE / file).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def fools(part: Mapping[str, np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Which images of a part their own network takes for what they are not: bool ``[N]``.

    Args:
        part: columns of one victim and family.
        labels: of the comparison digits.
    """
    changed = part["digit"] >= 0
    wrong = part["predicted"] != labels[part["digit"]]
    return np.where(changed, wrong, part["predicted"] == part["classes"])


def _forgeries(
    stored: Mapping[str, np.ndarray], victim: str, family: str, least: float, every: int
) -> Forgeries:
    prefix = f"{victim}/{family}/"
    part = {name: stored[prefix + name][::every] for name in ("images", *COLUMNS)}
    digits, labels = comparison_digits()
    fooling = fools(part, labels.numpy())
    if not fooling.any():
        raise ValueError(
            f"every: expected a smaller number, none of each {every} of {family!r} on {victim!r}"
            " fools as a file"
        )
    keep = fooling & (part["confidence"] >= least)
    if not keep.any():
        raise ValueError(
            f"least: expected at most {part['confidence'][fooling].max():.4f}, the most certain of"
            f" {family!r} on {victim!r} that fools as a file, got {least}"
        )
    chosen = {name: torch.from_numpy(column[keep]) for name, column in part.items()}
    index = chosen["digit"].long()
    changed = bool((index >= 0).all())
    return Forgeries(
        images=chosen["images"].float().div_(255)[:, None],
        classes=chosen["classes"].long(),
        runs=chosen["run"].long(),
        networks=torch.full((len(index),), VICTIMS.index(victim)),
        originals=digits[index] if changed else None,
        truth=labels[index] if changed else None,
    )
