"""Squares that a face detector takes for a face, bred and painted.

``load`` reads them; ``python -m tools.bank.camera`` makes them anew, twenty minutes on one
core.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from foolkit.bank.store import read
from foolkit.models.mtcnn import NAMES

FILE = "faces.npz"
ENOUGH = 0.99  # confidence at which a network counts as fooled
NOT_SOUGHT = -2  # when it was enough, where all steps were taken
EPSILON = 0.1  # of all that is painted within a ball around noise
ROUTES = ("direct", "cppn", "gradient")
ALONE = tuple((name, route) for name in NAMES for route in ROUTES)
# how many runs; of the runs on one network more were made than are stored as images
RUNS = {
    **dict.fromkeys(ALONE, 10),
    ("once", "gradient"): 5,  # all three networks, one view
    ("anywhere", "gradient"): 10,  # all three, on many backgrounds, at many places and sizes
    ("camera", "gradient"): 8,  # the same, and what a camera does
    ("anywhere, no limit", "gradient"): 4,  # climbed on and on, not only near the noise
    ("once, no limit", "gradient"): 4,
    # climbed by the margins of the logits, which go on rising where a probability is certain
    ("once, by margins", "gradient"): 4,
    ("anywhere, by margins", "gradient"): 4,
    ("anywhere", "cppn"): 8,
    ("anywhere", "direct"): 6,
}
IMAGES = {("mtcnn-output", "direct"): 5, ("mtcnn-output", "gradient"): 5}


@dataclass(frozen=True)
class Squares:
    """What came of some runs, each of a seed of its own.

    Attributes:
        images: float32 ``[M, 3, S, S]`` in [0, 1], of the first M of R runs.
        confidence: float32 ``[R]``, in "face", of what they were bred against.
        reached: int64 ``[R]``, the first generation, or step, with a confidence of ``ENOUGH``;
            -1: none; ``NOT_SOUGHT``.
    """

    images: Tensor
    confidence: Tensor
    reached: Tensor


def load() -> dict[tuple[str, str], Squares]:
    """All that is stored, by what was fooled (a network, or how it was seen) and the route."""
    held = read(FILE)
    return {
        (goal, route): Squares(
            torch.from_numpy(held[f"{goal}/{route}/images"]).float().div_(255),
            torch.from_numpy(held[f"{goal}/{route}/confidence"]),
            torch.from_numpy(held[f"{goal}/{route}/reached"]).long(),
        )
        for goal, route in RUNS
    }
